//! A job table as the device gets it: words for the inbox, descriptors sorted by transform size,
//! and how many workgroups each stage needs. Plain data, so that tests can look at it.

use crate::backend::layout::{ANALYSE_ONLY, CLASSES, Header, Job, NEUTRAL, NONE, class_of};
use crate::backend::{BackendError, JobTable, SlotId, Want};

use super::slot::{Inbox, Slot};

/// A hop that will stand in the outbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Result {
    pub slot: SlotId,
    pub hop: u64,
    pub start: usize,
    pub floats: usize,
}

/// Reused from tick to tick; allocates only when a table is larger than all before.
#[derive(Default)]
pub struct Batch {
    pub header: Header,
    pub jobs: Vec<Job>,
    pub inbox: Vec<u32>,
    pub results: Vec<Result>,
    /// Jobs of each class.
    pub counts: [u32; CLASSES],
    pub outbox_floats: usize,
    /// Longest hop, samples.
    pub longest_hop: u32,
    /// Whether any frame is wanted beyond its analysis.
    pub any_frame: bool,
    pub any_output: bool,
    /// Whether any frame is not neutral, looks back in time, is blurred over frequency, is warped.
    pub any_effect: bool,
    pub any_time: bool,
    pub any_blur: bool,
    pub any_warp: bool,
    /// Bins of the largest transform.
    pub most_bins: u32,
    unsorted: Vec<(usize, Job)>,
}

impl Batch {
    pub fn build(
        &mut self,
        table: &JobTable,
        slots: &[Option<Slot>],
    ) -> std::result::Result<(), BackendError> {
        use scumble_dsp::effect::TIME_LANES;
        use scumble_dsp::{Lane, flag};
        self.clear();
        let mut index = (usize::MAX, 0);
        for hop in &table.jobs {
            let slot = slots
                .get(hop.slot)
                .and_then(Option::as_ref)
                .ok_or(BackendError::UnknownSlot(hop.slot))?;
            let spec = &slot.spec;
            let class = class_of(spec.window.n).ok_or(BackendError::Size(spec.window.n))?;
            index = if index.0 == hop.slot { (hop.slot, index.1 + 1) } else { (hop.slot, 0) };
            if index.1 >= spec.max_hops {
                let most = spec.max_hops;
                return Err(BackendError::Failed(format!(
                    "session {} has more than {most} hops in one table",
                    hop.slot
                )));
            }
            let params = self.inbox.len() as u32;
            self.inbox.extend_from_slice(bytemuck::cast_slice(std::slice::from_ref(&hop.params)));
            let field = slot.add_columns(&hop.params, &mut self.inbox);
            let floats = spec.hop_floats();
            let output = self.outbox_floats;
            if hop.want == Want::Output {
                self.results.push(Result { slot: hop.slot, hop: hop.hop, start: output, floats });
                self.outbox_floats += floats;
            }
            let (at, mut params) = (params, hop.params);
            if field == NONE && params.field_lanes != 0 {
                // No field has come for these lanes: they are not painted.
                params.field_lanes = 0;
                self.inbox[at as usize..][..size_of_val(&params) / 4]
                    .copy_from_slice(bytemuck::cast_slice(std::slice::from_ref(&params)));
            }
            let flags = match hop.want {
                Want::History => ANALYSE_ONLY,
                _ if params.is_neutral() => NEUTRAL,
                _ => 0,
            };
            let inbox = Inbox { params: at, field, output: output as u32, flags };
            self.any_effect |= flags == 0;
            self.any_time |= flags == 0 && params.uses(flag::TIME, TIME_LANES);
            self.any_blur |= params.uses(flag::BLUR_FREQ, Lane::BlurFreq.bit());
            self.most_bins = self.most_bins.max(spec.window.bins() as u32);
            self.any_frame |= hop.want != Want::History;
            self.any_output |= hop.want == Want::Output;
            self.any_warp |= params.uses(flag::WARP, Lane::WarpFreq.bit());
            self.longest_hop = self.longest_hop.max(spec.window.h as u32);
            for channel in 0..spec.channels {
                self.unsorted.push((class, slot.job(hop, channel, index.1, inbox)));
                self.counts[class] += 1;
            }
        }
        let mut first = 0;
        for class in 0..CLASSES {
            self.header.first[class] = first;
            first += self.counts[class];
        }
        self.header.jobs = first;
        // Stable: hops of a session stay in order.
        self.unsorted.sort_by_key(|&(class, _)| class);
        self.jobs.extend(self.unsorted.iter().map(|&(_, job)| job));
        Ok(())
    }

    fn clear(&mut self) {
        self.header = Header::default();
        self.jobs.clear();
        self.inbox.clear();
        self.results.clear();
        self.unsorted.clear();
        self.counts = [0; CLASSES];
        self.outbox_floats = 0;
        self.longest_hop = 0;
        self.any_frame = false;
        self.any_output = false;
        self.any_effect = false;
        self.any_time = false;
        self.any_blur = false;
        self.any_warp = false;
        self.most_bins = 0;
    }
}
