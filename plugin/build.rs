//! Keeps the plugin's library mapped once a host has loaded it.
//!
//! Rust's standard library registers a per-thread destructor (a pthread key) on every thread that
//! comes through the plugin, and never takes it back. A host that unloads the library on one
//! thread while another one ends would jump into unmapped memory. `nodelete` makes `dlclose` keep
//! the mapping; macOS never unmaps such a library, and Windows tells a library of ending threads.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux") {
        println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
}
