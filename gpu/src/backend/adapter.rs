//! The rule that chooses an adapter; it needs no graphics API (SPEC P7): the real GPU with the most
//! memory; a software adapter only when it is asked for; else none, and the CPU engine plays.
//!
//! `SCUMBLE_ADAPTER` overrides: `none`, `software`, or part of an adapter's name (any case).
//! Touched by the worker thread and by tests, never by the audio thread.

use std::fmt;

/// What the user, the environment or a test asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AdapterWish {
    /// The real GPU with the most memory.
    #[default]
    Best,
    /// A CPU implementation of the graphics API (lavapipe, WARP).
    Software,
    /// The first adapter whose name holds this text, whatever its kind.
    Named(String),
    /// No adapter at all: the CPU engine.
    None,
}

impl AdapterWish {
    /// Reads `SCUMBLE_ADAPTER`; unset or empty means [`AdapterWish::Best`].
    pub fn from_env() -> Self {
        std::env::var("SCUMBLE_ADAPTER").map_or(Self::Best, |text| Self::parse(&text))
    }

    pub fn parse(text: &str) -> Self {
        match text.trim().to_lowercase().as_str() {
            "" => Self::Best,
            "none" => Self::None,
            "software" => Self::Software,
            name => Self::Named(name.to_owned()),
        }
    }
}

impl fmt::Display for AdapterWish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Best => f.write_str("a GPU"),
            Self::Software => f.write_str("a software adapter"),
            Self::Named(part) => write!(f, "an adapter named {part:?}"),
            Self::None => f.write_str("no adapter"),
        }
    }
}

/// What a person needs to know about the device in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceFacts {
    pub name: String,
    /// Graphics API, `vulkan` and so on.
    pub api: String,
    pub driver: String,
    pub software: bool,
    /// Bytes of device-local memory; 0 when the API does not tell.
    pub memory_bytes: u64,
}

impl fmt::Display for DeviceFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}, {})", self.name, self.api, self.driver)
    }
}

/// Why there is no adapter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AdapterError {
    #[error("no adapter was asked for (SCUMBLE_ADAPTER=none)")]
    Refused,
    #[error("{wish} was asked for, the system has: {found}")]
    NotFound { wish: AdapterWish, found: String },
}

/// One adapter as the choice sees it; split from wgpu so that the rule can be tested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    pub name: String,
    pub software: bool,
    pub discrete: bool,
    pub memory_bytes: u64,
}

/// The rule of P7: the index of the candidate to use.
pub fn choose(wish: &AdapterWish, candidates: &[Candidate]) -> Result<usize, AdapterError> {
    let best = |keep: &dyn Fn(&Candidate) -> bool| {
        (0..candidates.len())
            .filter(|&i| keep(&candidates[i]))
            // Memory first; a discrete card wins a tie; then the system's own order.
            .max_by_key(|&i| {
                (candidates[i].memory_bytes, candidates[i].discrete, std::cmp::Reverse(i))
            })
    };
    let found = match wish {
        AdapterWish::None => return Err(AdapterError::Refused),
        AdapterWish::Best => best(&|c| !c.software),
        AdapterWish::Software => best(&|c| c.software),
        AdapterWish::Named(part) => best(&|c| c.name.to_lowercase().contains(part)),
    };
    found.ok_or_else(|| AdapterError::NotFound {
        wish: wish.clone(),
        found: if candidates.is_empty() {
            "none".to_owned()
        } else {
            candidates.iter().map(|c| c.name.as_str()).collect::<Vec<_>>().join(", ")
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(name: &str, software: bool, discrete: bool, gigabytes: u64) -> Candidate {
        Candidate { name: name.into(), software, discrete, memory_bytes: gigabytes << 30 }
    }

    fn machine() -> Vec<Candidate> {
        vec![
            candidate("llvmpipe (LLVM)", true, false, 64),
            candidate("Small Integrated", false, false, 4),
            candidate("Big Card", false, true, 24),
            candidate("Other Card", false, true, 8),
        ]
    }

    #[test]
    fn the_real_gpu_with_the_most_memory_wins_over_a_larger_software_adapter() {
        assert_eq!(choose(&AdapterWish::Best, &machine()), Ok(2)); // P7
    }

    #[test]
    fn a_software_adapter_is_taken_only_when_asked_for() {
        let only_software = [candidate("llvmpipe", true, false, 64)];
        assert!(matches!(
            choose(&AdapterWish::Best, &only_software),
            Err(AdapterError::NotFound { .. })
        )); // P7
        assert_eq!(choose(&AdapterWish::Software, &machine()), Ok(0));
    }

    #[test]
    fn a_name_part_chooses_whatever_its_case() {
        assert_eq!(choose(&AdapterWish::parse("OTHER"), &machine()), Ok(3));
        let missing = choose(&AdapterWish::parse("absent"), &machine()).unwrap_err();
        assert!(missing.to_string().contains("Big Card"), "{missing}");
        assert_eq!(choose(&AdapterWish::parse("none"), &machine()), Err(AdapterError::Refused));
    }

    #[test]
    fn a_discrete_card_wins_a_tie_of_memory() {
        let tie = [candidate("a", false, false, 8), candidate("b", false, true, 8)];
        assert_eq!(choose(&AdapterWish::Best, &tie), Ok(1));
    }
}
