//! Asks the system for its adapters and picks one by the rule of [`crate::backend::adapter`].

use crate::backend::adapter::{AdapterError, AdapterWish, Candidate, DeviceFacts, choose};

/// The API's instance and the adapter chosen on it.
pub(super) fn find(
    wish: &AdapterWish,
) -> Result<(wgpu::Instance, wgpu::Adapter, DeviceFacts), AdapterError> {
    if *wish == AdapterWish::None {
        return Err(AdapterError::Refused);
    }
    let instance = instance();
    let mut adapters = super::ready(instance.enumerate_adapters(wgpu::Backends::all()));
    let candidates: Vec<Candidate> = adapters.iter().map(candidate).collect();
    let index = choose(wish, &candidates)?;
    let adapter = adapters.swap_remove(index);
    let info = adapter.get_info();
    let facts = DeviceFacts {
        name: info.name,
        api: info.backend.to_str().to_owned(),
        driver: format!("{} {}", info.driver, info.driver_info).trim().to_owned(),
        software: candidates[index].software,
        memory_bytes: candidates[index].memory_bytes,
    };
    Ok((instance, adapter, facts))
}

fn instance() -> wgpu::Instance {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = wgpu::Backends::VULKAN | wgpu::Backends::METAL | wgpu::Backends::DX12;
    // Validation layers and debug labels cost time in every submission; shaders and indices are
    // validated by tests instead. wgpu's own errors have the labels all the same.
    descriptor.flags = wgpu::InstanceFlags::DISCARD_HAL_LABELS;
    wgpu::Instance::new(descriptor)
}

/// Every adapter of the system, in the system's order; for lists that people read.
pub(super) fn candidates() -> Vec<Candidate> {
    let adapters = super::ready(instance().enumerate_adapters(wgpu::Backends::all()));
    adapters.iter().map(candidate).collect()
}

fn candidate(adapter: &wgpu::Adapter) -> Candidate {
    let info = adapter.get_info();
    Candidate {
        software: info.device_type == wgpu::DeviceType::Cpu,
        discrete: info.device_type == wgpu::DeviceType::DiscreteGpu,
        memory_bytes: local_memory(adapter),
        name: info.name,
    }
}

/// Bytes of device-local memory. wgpu's `AdapterInfo` has no size, Vulkan's heaps have.
#[cfg(any(target_os = "linux", target_os = "windows", target_os = "android"))]
fn local_memory(adapter: &wgpu::Adapter) -> u64 {
    const DEVICE_LOCAL: u32 = 1;
    // SAFETY: the guard only reads properties of the physical device; nothing of the adapter is
    // destroyed through it.
    let Some(raw) = (unsafe { adapter.as_hal::<wgpu::hal::vulkan::Api>() }) else { return 0 };
    // SAFETY: instance and physical device belong together and are alive while `raw` is held.
    let memory = unsafe {
        raw.shared_instance()
            .raw_instance()
            .get_physical_device_memory_properties(raw.raw_physical_device())
    };
    memory.memory_heaps[..memory.memory_heap_count as usize]
        .iter()
        .filter(|heap| heap.flags.as_raw() & DEVICE_LOCAL != 0)
        .map(|heap| heap.size)
        .sum()
}

#[cfg(not(any(target_os = "linux", target_os = "windows", target_os = "android")))]
fn local_memory(_adapter: &wgpu::Adapter) -> u64 {
    0
}
