//! Any sequence of operations keeps the invariants of `sync` (SPEC S1 to S5, T1, T3). One checker
//! for hop buffers ([`sync_common::Watched::check`]), called after every step; the ring and the
//! queue are compared with plain collections.
#![cfg(not(any(loom, tsan, rtsan)))]

mod sync_common;

use std::collections::VecDeque;

use proptest::collection::vec;
use proptest::prelude::*;
use scumble_gpu::sync::*;
use sync_common::{MODES, Watched, assert_sound, sound};

#[derive(Debug, Clone)]
enum Step {
    Write { count: usize, gap: u64, publish: bool },
    Read { skip: u64, look: bool },
}

fn step() -> impl Strategy<Value = Step> {
    let gap = prop_oneof![6 => Just(0u64), 1 => 1..4u64];
    let write = (0..6usize, gap.clone(), prop::bool::weighted(0.9))
        .prop_map(|(count, gap, publish)| Step::Write { count, gap, publish });
    let read = (gap, any::<bool>()).prop_map(|(skip, look)| Step::Read { skip, look });
    prop_oneof![write, read]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    // S1, S2, S4, S6
    #[test]
    fn hop_buffers_keep_their_invariants(
        mode in 0..MODES.len(),
        hops_per_half in 2..5usize,
        steps in vec(step(), 1..120),
    ) {
        let mut watched = Watched::new(MODES[mode], hops_per_half);
        for step in steps {
            match step {
                Step::Write { count, gap, publish } => watched.write(count, gap, publish),
                Step::Read { skip, look } => watched.read(skip, look),
            }
        }
        watched.drain();
    }

    // S3: against a queue of frames, and one that forgets.
    #[test]
    fn frame_rings_keep_order_and_count(
        skip_oldest in any::<bool>(),
        steps in vec((any::<bool>(), 0..50usize), 1..200),
    ) {
        let policy = if skip_oldest { Overflow::SkipOldest } else { Overflow::RefuseNew };
        // A header that does not fit into a line with what stands before it.
        let (mut writer, mut reader) = frame_ring::<[u32; 20]>(3, 20, policy);
        let capacity = writer.capacity_lines();
        prop_assert!(capacity.is_power_of_two());
        let lines = |len: usize| 2 + len.div_ceil(16);
        let used = |queue: &VecDeque<(u64, usize)>| -> usize {
            queue.iter().map(|&(_, len)| lines(len)).sum()
        };
        let mut queue = VecDeque::new();
        let (mut sequence, mut overflows, mut skipped, mut underflows) = (0, 0, 0, 0);
        for (push, len) in steps {
            if push {
                let samples: Vec<f32> = (0..len).map(|place| sound(sequence, place)).collect();
                let (left, right) = samples.split_at(len / 2);
                let header = [sequence as u32; 20];
                let found = writer.push(sequence, &header, &[left, right]);
                let after = used(&queue) + lines(len);
                let limit = if skip_oldest { 2 * capacity } else { capacity };
                prop_assert_eq!(found.is_ok(), after <= limit);
                overflows += u64::from(after > capacity);
                if found.is_ok() {
                    queue.push_back((sequence, len));
                }
                sequence += 1;
            } else {
                while used(&queue) > capacity {
                    queue.pop_front();
                    skipped += 1;
                }
                let expected = queue.pop_front();
                let found = reader.pop(|frame| {
                    let mut samples = vec![0.0; frame.len()];
                    frame.copy_to(0, &mut samples);
                    assert_sound(frame.sequence, &samples);
                    let mut tail = vec![0.0; frame.len() / 2];
                    frame.copy_to(frame.len() - tail.len(), &mut tail);
                    assert_eq!(tail, samples[frame.len() - tail.len()..]);
                    assert_eq!(frame.header, [frame.sequence as u32; 20]);
                    (frame.sequence, frame.len())
                });
                underflows += u64::from(expected.is_none());
                prop_assert_eq!(found, expected);
            }
            prop_assert_eq!(writer.overflows(), overflows);
            prop_assert_eq!(reader.skipped(), skipped);
            prop_assert_eq!(reader.underflows(), underflows);
        }
    }

    // S5: nothing lost, nothing doubled, each side's commands of a level in order, limits kept,
    // urgent first, and nobody held back beyond the level's patience.
    #[test]
    fn queues_keep_order_limits_and_patience(
        levels in 2..=5usize,
        busy in any::<bool>(),
        steps in vec((any::<bool>(), 0..6usize, 0..6u32), 1..300),
    ) {
        const PATIENCE: u32 = 4;
        let level_shape = LevelShape { limit: 5, batch_cost: 4, patience_drains: PATIENCE };
        let mut shape = QueueShape::new(levels).unwrap();
        for level in 0..levels {
            shape = shape.with_level(level, level_shape).unwrap();
        }
        let CommandQueue { mut audio, mut editor, mut worker } = CommandQueue::new(shape);
        let mut batch = Batch::new(6, 10);
        let mut waiting = vec![[VecDeque::new(), VecDeque::new()]; levels];
        let mut held = vec![0u32; levels];
        for (turn, (from_editor, level, cost)) in steps.into_iter().enumerate() {
            let sender = if from_editor { &mut editor } else { &mut audio };
            let refused = sender.refused();
            let command = Job { name: turn as u64, cost };
            let expected = if level >= levels {
                Err(Refusal::NoSuchLevel { level, levels })
            } else if from_editor && level == 0 {
                Err(Refusal::Reserved { level })
            } else if cost > 4 {
                Err(Refusal::TooBig { level, cost, limit: 4 })
            } else if waiting[level][usize::from(from_editor)].len() == 5 {
                Err(Refusal::Full { level, limit: 5 })
            } else {
                waiting[level][usize::from(from_editor)].push_back(command.clone());
                Ok(())
            };
            let found = sender.push(level, command.clone());
            prop_assert_eq!(sender.refused() - refused, u64::from(expected.is_err()));
            let expected = expected.map_err(|reason| Refused { command, reason });
            prop_assert_eq!(found, expected);

            if turn % 3 == 0 {
                let urgent = waiting[0].iter().any(|side| !side.is_empty());
                worker.drain(busy, &mut batch);
                let mut last_level = 0;
                let mut seen = vec![0u32; levels];
                let mut regular_cost = 0;
                for (level, job) in batch.take() {
                    prop_assert!(level >= last_level, "urgent first");
                    last_level = level;
                    let side = waiting[level].iter().position(|side| side.front() == Some(&job));
                    let side = side.expect("the oldest of one of the sides");
                    waiting[level][side].pop_front();
                    if level > 0 && (urgent || busy) {
                        prop_assert_eq!(held[level], PATIENCE, "held back until its patience ends");
                        prop_assert_eq!(seen[level], 0, "one at a time");
                    }
                    if held[level] < PATIENCE {
                        regular_cost += job.cost.max(1);
                    }
                    seen[level] += job.cost.max(1);
                    prop_assert!(seen[level] <= 4, "bounded in size");
                }
                prop_assert!(regular_cost <= 10);
                for level in 0..levels {
                    let empty = waiting[level].iter().all(|side| side.is_empty());
                    held[level] = if seen[level] > 0 || empty { 0 } else { held[level] + 1 };
                    if level > 0 {
                        prop_assert!(held[level] <= PATIENCE, "level {} starves", level);
                    }
                }
            }
            let empty = waiting.iter().flatten().all(|side| side.is_empty());
            prop_assert_eq!(worker.is_empty(), empty);
        }
    }

    // T1, T3: completed is the length of the row of ended submissions, in any order of endings.
    #[test]
    fn device_timelines_rise_without_gaps(steps in vec((any::<bool>(), 0..8usize), 1..100)) {
        let (mut queue, timeline) = device_timeline(4);
        let mut open: Vec<Ticket> = Vec::new();
        let mut submitted = 0;
        for (submit, which) in steps {
            if submit {
                let completed = open.iter().map(|ticket| ticket.value()).min();
                let completed = completed.map_or(submitted, |first| first - 1);
                match queue.submit() {
                    Ok(ticket) => {
                        submitted += 1;
                        prop_assert_eq!(ticket.value(), submitted);
                        prop_assert!(submitted - completed <= 4);
                        open.push(ticket);
                    }
                    Err(error) => {
                        prop_assert_eq!(error, SubmitError::Full { capacity: 4, completed });
                        prop_assert_eq!(submitted - completed, 4);
                    }
                }
            } else if !open.is_empty() {
                open.remove(which % open.len()).complete();
            }
            let first_open = open.iter().map(|ticket| ticket.value()).min();
            prop_assert_eq!(timeline.value(), first_open.map_or(submitted, |first| first - 1));
            prop_assert_eq!(timeline.submitted(), submitted);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
struct Job {
    name: u64,
    cost: u32,
}

impl Command for Job {
    fn cost(&self) -> u32 {
        self.cost
    }
}

/// S5: what has no place to go waits for it alone.
#[test]
fn a_closed_level_keeps_its_commands_and_holds_no_other_back() {
    let CommandQueue { mut editor, mut worker, .. } =
        CommandQueue::new(QueueShape::new(3).expect("three levels"));
    let mut batch = Batch::new(16, 16);
    for (level, name) in [(1, 10), (1, 11), (2, 20)] {
        editor.push(level, Job { name, cost: 16 }).expect("room");
    }
    let mut taken = |closed: &[usize]| -> Vec<u64> {
        worker.drain_open(false, |level| !closed.contains(&level), &mut batch);
        batch.take().map(|(_, job)| job.name).collect()
    };
    assert!(taken(&[1, 2]).is_empty());
    assert_eq!(taken(&[]), [10]);
    assert_eq!(taken(&[1]), [20]);
    assert_eq!(taken(&[]), [11]);
}
