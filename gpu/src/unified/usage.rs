//! The one table of U1: what a buffer is for, and what that makes it on this adapter.

/// How kernels use a buffer; the host does the opposite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// Kernels read what the host wrote.
    ReadOnly,
    /// Kernels write what the host will read.
    WriteOnly,
    ReadWrite,
}

/// Where the memory had better be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Hint {
    /// The host touches it more than kernels do.
    CpuPreferred,
    /// Kernels touch it more: always device memory, always staged.
    GpuPreferred,
    /// Host and kernels alternate on small pieces.
    Coherent,
    /// Written and read once each submission; mapped again as soon as that submission is done.
    Streaming,
}

/// How bytes get from host to kernels and back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Path {
    /// The host maps the very buffer that kernels bind: no copy.
    Mapped,
    /// A second, mappable buffer and a copy on the GPU.
    Staged,
}

/// Usages of the buffer that kernels bind.
pub fn primary_usage(access: Access, path: Path) -> wgpu::BufferUsages {
    use wgpu::BufferUsages as U;
    let base = U::STORAGE | U::COPY_SRC | U::COPY_DST;
    match (path, access) {
        (Path::Staged, _) => base,
        (Path::Mapped, Access::ReadOnly) => base | U::MAP_WRITE,
        (Path::Mapped, Access::WriteOnly) => base | U::MAP_READ,
        (Path::Mapped, Access::ReadWrite) => base | U::MAP_READ | U::MAP_WRITE,
    }
}

/// The path that a combination takes where mapping of bound buffers is, or is not, worth it.
///
/// | hint | adapter shares memory with the host | adapter has its own |
/// |---|---|---|
/// | CpuPreferred, Coherent, Streaming | mapped | staged |
/// | GpuPreferred | staged | staged |
pub fn path(hint: Hint, shares_memory: bool) -> Path {
    match hint {
        Hint::GpuPreferred => Path::Staged,
        Hint::CpuPreferred | Hint::Coherent | Hint::Streaming => {
            if shares_memory {
                Path::Mapped
            } else {
                Path::Staged
            }
        }
    }
}

/// Alignments of U5, bytes.
pub const CACHE_LINE: u64 = 64;
pub const BINDING: u64 = 256;
pub const PAGE: u64 = 4096;

pub const fn align_up(bytes: u64, alignment: u64) -> u64 {
    bytes.div_ceil(alignment) * alignment
}

/// The size that a request is rounded to so that buffers can be reused: a power of two from one
/// binding up to a page, then up to 1 MiB; beyond, whole pages (large buffers are few and long-lived).
pub const fn size_class(bytes: u64) -> u64 {
    if bytes <= BINDING {
        BINDING
    } else if bytes <= 1 << 20 {
        bytes.next_power_of_two()
    } else {
        align_up(bytes, PAGE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_hold_what_was_asked_and_keep_alignments() {
        for bytes in [1, 255, 256, 257, 4095, 4097, (1 << 20) + 1, 5_000_001] {
            let class = size_class(bytes);
            assert!(class >= bytes, "{bytes} in {class}"); // U5
            assert_eq!(class % BINDING, 0);
            assert_eq!(align_up(bytes, CACHE_LINE) % CACHE_LINE, 0);
            if bytes > PAGE {
                assert_eq!(class % PAGE, 0, "{bytes} in {class}");
            }
        }
    }

    #[test]
    fn each_combination_has_its_row() {
        use wgpu::BufferUsages as U;
        for hint in [Hint::CpuPreferred, Hint::GpuPreferred, Hint::Coherent, Hint::Streaming] {
            assert_eq!(path(hint, false), Path::Staged, "{hint:?}"); // U6
            assert_eq!(path(hint, true) == Path::Mapped, hint != Hint::GpuPreferred); // U1
        }
        for access in [Access::ReadOnly, Access::WriteOnly, Access::ReadWrite] {
            let staged = primary_usage(access, Path::Staged);
            assert!(!staged.intersects(U::MAP_READ | U::MAP_WRITE));
            let mapped = primary_usage(access, Path::Mapped);
            assert_eq!(mapped.contains(U::MAP_WRITE), access != Access::WriteOnly);
            assert_eq!(mapped.contains(U::MAP_READ), access != Access::ReadOnly);
            assert!(mapped.contains(U::STORAGE) && staged.contains(U::STORAGE));
        }
    }
}
