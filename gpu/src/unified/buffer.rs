//! One unified buffer: typed access, automatic fencing, mapping or staging.

use std::mem::size_of;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
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
        let state = Arc::clone(&self.state);
        move |result| {
            let to = if result.is_ok() { MAPPED } else { FAILED };
            // Only from PENDING: an unmap in between has already made the state UNMAPPED.
            let _ = state.compare_exchange(PENDING, to, Ordering::AcqRel, Ordering::Relaxed);
        }
    }

    /// Asks for the mapping once the launch that is being recorded has completed.
    fn map_after(&mut self, launch: &mut Launch<'_>, mode: wgpu::MapMode) {
        self.mode = mode;
        self.state.store(PENDING, Ordering::Release);
        let callback = self.callback();
        launch.encoder("map").map_buffer_on_submit(&self.buffer, mode, .., callback);
    }
}

/// The last submission that used a buffer; filled in by [`Launch::submit`].
#[derive(Default)]
pub(crate) struct LastUse(Mutex<Option<Submission>>);

impl LastUse {
    pub(crate) fn set(&self, submission: &Submission) {
        *self.0.lock() = Some(submission.clone());
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
        Ok(Self {
            pool,
            label,
            bytes: bytes.next_multiple_of(4),
            access,
            hint,
            path,
            primary: HostSide::new(raw, usage, mode),
            upload: None,
            download: None,
            dirty: Vec::new(),
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
    /// mapping, and ties the buffer's life to the launch's submission.
    pub fn prepare(&mut self, launch: &mut Launch<'_>) -> Result<(), UnifiedError> {
        self.primary.unmap();
        if let Some(side) = &mut self.upload
            && !self.dirty.is_empty()
        {
            side.unmap();
            let encoder = launch.encoder(self.label);
            for range in self.dirty.drain(..) {
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
        launch.uses(&self.last_use);
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
                let usage = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST;
                let buffer = self.pool.take(self.label, self.primary.buffer.size(), usage)?;
                self.download = Some(HostSide::new(buffer, usage, wgpu::MapMode::Read));
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
        self.last_use.0.lock().as_ref().is_some_and(|s| !self.pool.gpu.is_complete(s))
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
        let last = self.last_use.0.lock().as_ref().map_or(0, |s| s.serial);
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
    let last = last_use.0.lock().clone();
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
