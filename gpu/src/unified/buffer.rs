//! One unified buffer: typed access, automatic fencing, mapping or staging.

use std::mem::size_of;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytemuck::Pod;
use parking_lot::Mutex;

use super::pool::Pool;
use super::usage::{self, Access, Hint, Path};
use super::{UnifiedError, usage::size_class};
use crate::backend::wgpu::device::{DeviceError, POLL_SLICE, Submission};
use crate::backend::wgpu::launch::Launch;

/// How long host access waits for the buffer's last submission before it reports a timeout.
const FENCE_TIMEOUT: Duration = Duration::from_secs(5);

const UNMAPPED: u8 = 0;
const PENDING: u8 = 1;
const MAPPED: u8 = 2;
const FAILED: u8 = 3;

/// A buffer that the host can map, and how far that is. The state is shared with the callback.
struct HostSide {
    buffer: wgpu::Buffer,
    usage: wgpu::BufferUsages,
    state: Arc<AtomicU8>,
    mode: wgpu::MapMode,
}

impl HostSide {
    fn new(buffer: wgpu::Buffer, usage: wgpu::BufferUsages, mode: wgpu::MapMode) -> Self {
        Self { buffer, usage, state: Arc::new(AtomicU8::new(UNMAPPED)), mode }
    }

    fn unmap(&self) {
        if self.state.swap(UNMAPPED, Ordering::AcqRel) != UNMAPPED {
            self.buffer.unmap();
        }
    }

    fn callback(&self) -> impl FnOnce(Result<(), wgpu::BufferAsyncError>) + Send + 'static {
        let mut asked = Asked(Some(Arc::clone(&self.state)));
        move |result| asked.end(if result.is_ok() { MAPPED } else { FAILED })
    }

    /// Asks for the mapping once the launch that is being recorded has completed.
    fn map_after(&mut self, launch: &mut Launch<'_>, mode: wgpu::MapMode) {
        self.mode = mode;
        self.state.store(PENDING, Ordering::Release);
        let callback = self.callback();
        launch.encoder("map").map_buffer_on_submit(&self.buffer, mode, .., callback);
    }
}

/// A mapping that was asked for. A launch that comes to nothing drops it unanswered.
struct Asked(Option<Arc<AtomicU8>>);

impl Asked {
    fn end(&mut self, to: u8) {
        // Once: the state may have gone on by the time this is dropped. And only from PENDING: an
        // unmap in between has already made the state UNMAPPED.
        if let Some(state) = self.0.take() {
            let _ = state.compare_exchange(PENDING, to, Ordering::AcqRel, Ordering::Relaxed);
        }
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        self.end(UNMAPPED);
    }
}

/// The last submission that used a buffer; filled in by [`Launch::submit`].
#[derive(Default)]
pub(crate) struct LastUse {
    submission: Mutex<Option<Submission>>,
    /// Launches with this buffer that went out as they were recorded.
    carried: AtomicU64,
}

impl LastUse {
    pub(crate) fn set(&self, submission: &Submission) {
        *self.submission.lock() = Some(submission.clone());
    }

    pub(crate) fn carried(&self) {
        // Relaxed: the buffer's owner is the one that launches.
        self.carried.fetch_add(1, Ordering::Relaxed);
    }

    fn launches(&self) -> u64 {
        self.carried.load(Ordering::Relaxed)
    }

    fn submission(&self) -> Option<Submission> {
        self.submission.lock().clone()
    }
}

/// Memory that host and kernels share. Not cloneable: one owner decides who touches it when.
pub struct UnifiedBuffer {
    pool: Arc<Pool>,
    label: &'static str,
    bytes: u64,
    access: Access,
    hint: Hint,
    path: Path,
    /// The buffer that kernels bind; in the mapped path also the one that the host maps.
    primary: HostSide,
    /// Staging towards the GPU and back; made when first needed.
    upload: Option<HostSide>,
    download: Option<HostSide>,
    /// Byte ranges of `upload` that the next launch must carry over.
    dirty: Vec<Range<u64>>,
    /// Those that the last launch was to carry, and the count of launches once it has.
    carrying: Vec<Range<u64>>,
    carried_at: u64,
    /// Whether `download` (or the mapping) shows what the last launch left.
    fetched: bool,
    last_use: Arc<LastUse>,
}

impl UnifiedBuffer {
    pub(super) fn new(
        pool: Arc<Pool>,
        label: &'static str,
        bytes: u64,
        access: Access,
        hint: Hint,
        path: Path,
    ) -> Result<Self, UnifiedError> {
        let usage = usage::primary_usage(access, path);
        let raw = pool.take(label, size_class(bytes), usage)?;
        let mode =
            if access == Access::WriteOnly { wgpu::MapMode::Read } else { wgpu::MapMode::Write };
        // Results are always fetched: better no room for them now than in the midst of a launch.
        let download = match (path, access) {
            (Path::Staged, Access::WriteOnly) => {
                let staging = download(&pool, label, raw.size());
                Some(staging.inspect_err(|_| pool.retire(raw.clone(), usage, 0))?)
            }
            _ => None,
        };
        Ok(Self {
            pool,
            label,
            bytes: bytes.next_multiple_of(4),
            access,
            hint,
            path,
            primary: HostSide::new(raw, usage, mode),
            upload: None,
            download,
            dirty: Vec::new(),
            carrying: Vec::new(),
            carried_at: 0,
            fetched: false,
            last_use: Arc::default(),
        })
    }

    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    pub fn path(&self) -> Path {
        self.path
    }

    /// What kernels bind. Whoever launches work with it must declare it with [`Self::prepare`].
    pub fn raw(&self) -> &wgpu::Buffer {
        &self.primary.buffer
    }

    /// Writes `data` at element `offset`; the next launch that uses the buffer sees it.
    pub fn write<T: Pod>(&mut self, offset: usize, data: &[T]) -> Result<(), UnifiedError> {
        if self.access == Access::WriteOnly {
            return Err(self.refuse("write"));
        }
        let range = self.range::<T>(offset, data.len())?;
        if data.is_empty() {
            return Ok(());
        }
        self.forget_failed_launch();
        self.fetched = false;
        if self.path == Path::Mapped {
            match self.map_primary(wgpu::MapMode::Write) {
                Ok(()) => return self.copy_in(range, bytemuck::cast_slice(data)),
                Err(UnifiedError::Mapping { .. }) => {
                    self.pool.counters.failed_mappings.add(1);
                    self.path = Path::Staged;
                }
                Err(other) => return Err(other),
            }
        }
        if self.upload.is_none() {
            let usage = wgpu::BufferUsages::MAP_WRITE | wgpu::BufferUsages::COPY_SRC;
            let buffer = self.pool.take(self.label, self.primary.buffer.size(), usage)?;
            self.upload = Some(HostSide::new(buffer, usage, wgpu::MapMode::Write));
        }
        let Self { pool, label, upload: Some(side), last_use, .. } = self else {
            return Err(self.refuse("write"));
        };
        map_now(pool, label, side, last_use, wgpu::MapMode::Write)?;
        put(label, &side.buffer, range.clone(), bytemuck::cast_slice(data))?;
        // Small writes that touch become one copy (U5).
        match self.dirty.iter_mut().find(|d| d.start <= range.end && range.start <= d.end) {
            Some(d) => *d = d.start.min(range.start)..d.end.max(range.end),
            None => self.dirty.push(range),
        }
        Ok(())
    }

    /// Reads elements from `offset`, after the last launch that used the buffer.
    pub fn read<T: Pod>(&mut self, offset: usize, data: &mut [T]) -> Result<(), UnifiedError> {
        if self.access == Access::ReadOnly {
            return Err(self.refuse("read"));
        }
        let range = self.range::<T>(offset, data.len())?;
        if data.is_empty() {
            return Ok(());
        }
        self.forget_failed_launch();
        if self.path == Path::Mapped {
            match self.map_primary(wgpu::MapMode::Read) {
                Ok(()) => {
                    self.pool.counters.mapped_bytes.add(range.end - range.start);
                    return get(
                        self.label,
                        &self.primary.buffer,
                        range,
                        bytemuck::cast_slice_mut(data),
                    );
                }
                Err(UnifiedError::Mapping { .. }) => {
                    self.pool.counters.failed_mappings.add(1);
                    self.path = Path::Staged;
                }
                Err(other) => return Err(other),
            }
        }
        if !self.fetched || !self.dirty.is_empty() {
            let pool = Arc::clone(&self.pool);
            let mut launch = Launch::begin(&pool.gpu, self.label);
            self.prepare(&mut launch)?;
            self.fetch(&mut launch)?;
            launch.submit()?;
        }
        let Self { pool, label, download: Some(side), last_use, .. } = self else {
            return Err(self.refuse("read"));
        };
        map_now(pool, label, side, last_use, wgpu::MapMode::Read)?;
        get(label, &side.buffer, range, bytemuck::cast_slice_mut(data))
    }

    /// Makes the buffer ready for `launch`: carries written bytes over, gives up the host's
    /// mapping, and ties the buffer's life to the launch's submission. A launch that fails leaves
    /// what was written to be carried by the next.
    pub fn prepare(&mut self, launch: &mut Launch<'_>) -> Result<(), UnifiedError> {
        if launch.uses(&self.last_use) {
            self.forget_failed_launch();
            self.carrying.clear();
            self.carried_at = self.last_use.launches() + 1;
        }
        self.primary.unmap();
        if let Some(side) = &mut self.upload
            && !self.dirty.is_empty()
        {
            side.unmap();
            let encoder = launch.encoder(self.label);
            let first = self.carrying.len();
            self.carrying.append(&mut self.dirty);
            for range in &self.carrying[first..] {
                let bytes = range.end - range.start;
                encoder.copy_buffer_to_buffer(
                    &side.buffer,
                    range.start,
                    &self.primary.buffer,
                    range.start,
                    bytes,
                );
                self.pool.counters.copies.add(1);
                self.pool.counters.copied_bytes.add(bytes);
            }
            if self.hint == Hint::Streaming {
                side.map_after(launch, wgpu::MapMode::Write);
            }
        }
        let again = self.path == Path::Mapped && self.hint == Hint::Streaming;
        if again && self.access == Access::ReadOnly {
            self.primary.map_after(launch, wgpu::MapMode::Write);
        }
        self.fetched = false;
        Ok(())
    }

    /// Asks that what `launch` leaves be readable without another submission. Call it after the
    /// passes that write the buffer.
    pub fn fetch(&mut self, launch: &mut Launch<'_>) -> Result<(), UnifiedError> {
        self.fetch_first(launch, self.bytes)
    }

    /// As [`Self::fetch`], for the first `bytes` bytes only.
    pub fn fetch_first(&mut self, launch: &mut Launch<'_>, bytes: u64) -> Result<(), UnifiedError> {
        if self.path == Path::Mapped {
            self.primary.map_after(launch, wgpu::MapMode::Read);
        } else {
            if self.download.is_none() {
                let size = self.primary.buffer.size();
                self.download = Some(download(&self.pool, self.label, size)?);
            }
            if let Some(side) = &mut self.download {
                side.unmap();
                let bytes = bytes.min(self.bytes).next_multiple_of(4);
                launch.encoder(self.label).copy_buffer_to_buffer(
                    &self.primary.buffer,
                    0,
                    &side.buffer,
                    0,
                    bytes,
                );
                self.pool.counters.copies.add(1);
                self.pool.counters.copied_bytes.add(bytes);
                side.map_after(launch, wgpu::MapMode::Read);
            }
        }
        self.fetched = true;
        Ok(())
    }

    /// Whether host access would wait (U4).
    pub fn is_busy(&self) -> bool {
        self.last_use.submission().is_some_and(|s| !self.pool.gpu.is_complete(&s))
    }

    /// The last launch may have been given up: then nothing was carried over, nor fetched.
    fn forget_failed_launch(&mut self) {
        if self.carried_at > self.last_use.launches() {
            self.dirty.append(&mut self.carrying);
            self.fetched = false;
            self.carried_at = 0;
        }
    }

    fn refuse(&self, verb: &'static str) -> UnifiedError {
        UnifiedError::Access { label: self.label, verb, access: self.access }
    }

    fn range<T>(&self, offset: usize, len: usize) -> Result<Range<u64>, UnifiedError> {
        let size = size_of::<T>().max(1);
        let capacity = (self.bytes / size as u64) as usize;
        let end = offset.saturating_add(len);
        if end > capacity || !size_of::<T>().is_multiple_of(4) {
            return Err(UnifiedError::OutOfBounds {
                label: self.label,
                start: offset,
                end,
                len: capacity,
            });
        }
        Ok((offset * size) as u64..(end * size) as u64)
    }

    fn map_primary(&mut self, mode: wgpu::MapMode) -> Result<(), UnifiedError> {
        map_now(&self.pool, self.label, &mut self.primary, &self.last_use, mode)
    }

    fn copy_in(&self, range: Range<u64>, bytes: &[u8]) -> Result<(), UnifiedError> {
        self.pool.counters.mapped_bytes.add(bytes.len() as u64);
        put(self.label, &self.primary.buffer, range, bytes)
    }
}

impl Drop for UnifiedBuffer {
    fn drop(&mut self) {
        let last = self.last_use.submission().map_or(0, |s| s.serial);
        let sides = [self.upload.take(), self.download.take()];
        let primary = HostSide {
            buffer: self.primary.buffer.clone(),
            usage: self.primary.usage,
            state: Arc::clone(&self.primary.state),
            mode: self.primary.mode,
        };
        for side in sides.into_iter().flatten().chain([primary]) {
            side.unmap();
            self.pool.retire(side.buffer, side.usage, last);
        }
    }
}

/// Staging from the GPU to the host.
fn download(pool: &Pool, label: &'static str, bytes: u64) -> Result<HostSide, UnifiedError> {
    let usage = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST;
    let buffer = pool.take(label, bytes, usage)?;
    Ok(HostSide::new(buffer, usage, wgpu::MapMode::Read))
}

/// Maps `side`, after the buffer's last submission, unless it is mapped already.
fn map_now(
    pool: &Pool,
    label: &'static str,
    side: &mut HostSide,
    last_use: &LastUse,
    mode: wgpu::MapMode,
) -> Result<(), UnifiedError> {
    let state = side.state.load(Ordering::Acquire);
    if state == MAPPED && side.mode == mode {
        return Ok(());
    }
    let last = last_use.submission();
    if let Some(last) = &last
        && !pool.gpu.is_complete(last)
    {
        pool.counters.waits.add(1);
        pool.gpu.wait(last, FENCE_TIMEOUT)?;
    }
    let state = side.state.load(Ordering::Acquire);
    if state != UNMAPPED && side.mode != mode {
        side.unmap();
    }
    if matches!(side.state.load(Ordering::Acquire), UNMAPPED | FAILED) {
        side.mode = mode;
        side.state.store(PENDING, Ordering::Release);
        pool.gpu.enter_pass(label);
        side.buffer.map_async(mode, .., side.callback());
    }
    let start = Instant::now();
    loop {
        match side.state.load(Ordering::Acquire) {
            MAPPED => return Ok(()),
            FAILED => {
                pool.gpu.take_error()?;
                return Err(UnifiedError::Mapping { label });
            }
            _ => {}
        }
        pool.gpu.poll()?;
        if side.state.load(Ordering::Acquire) == PENDING {
            if start.elapsed() > FENCE_TIMEOUT {
                return Err(UnifiedError::Device(DeviceError::Timeout {
                    wanted: last.map_or(0, |s| s.serial),
                    completed: pool.gpu.completed(),
                    waited: start.elapsed(),
                }));
            }
            std::thread::sleep(POLL_SLICE / 10);
        }
    }
}

fn put(
    label: &'static str,
    buffer: &wgpu::Buffer,
    range: Range<u64>,
    bytes: &[u8],
) -> Result<(), UnifiedError> {
    let mut view = buffer.get_mapped_range_mut(..).map_err(|_| UnifiedError::Mapping { label })?;
    view.slice(range.start as usize..range.end as usize).copy_from_slice(bytes);
    Ok(())
}

fn get(
    label: &'static str,
    buffer: &wgpu::Buffer,
    range: Range<u64>,
    bytes: &mut [u8],
) -> Result<(), UnifiedError> {
    let view = buffer.get_mapped_range(..).map_err(|_| UnifiedError::Mapping { label })?;
    bytes.copy_from_slice(&view[range.start as usize..range.end as usize]);
    Ok(())
}
