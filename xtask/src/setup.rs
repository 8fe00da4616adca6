//! Installs what the demo and the tests need on a fresh machine.

use anyhow::{Result, bail};

use crate::shell::{program, python, root, run, succeeds, target};

/// What the plugin needs to be built: X11, GL and ALSA; and a software Vulkan adapter, which runs
/// the GPU path where there is no GPU.
const TO_BUILD: &[&str] = &[
    "pkg-config",
    "libasound2-dev",
    "libgl1-mesa-dev",
    "libjack-jackd2-dev",
    "libx11-dev",
    "libx11-xcb-dev",
    "libxcb1-dev",
    "libxcb-dri2-0-dev",
    "libxcb-icccm4-dev",
    "libxcursor-dev",
    "libxkbcommon-dev",
    "libxkbcommon-x11-dev",
    "libxrandr-dev",
    "mesa-vulkan-drivers",
];

/// What the tests need beside that: a display, an audio server, a tracer and Python.
const TO_TEST: &[&str] = &["jackd2", "libgl1-mesa-dri", "python3-venv", "strace", "xvfb"];

/// What the bench compares with, beside what the tests have: another maker's spectral plugin, and the
/// program that times it.
const TO_BENCH: &[&str] = &["lilv-utils", "rubberband-lv2"];

/// What the demo needs.
pub fn to_build() -> Result<()> {
    packages(TO_BUILD)
}

/// Everything.
pub fn all() -> Result<()> {
    packages(&[TO_BUILD, TO_TEST].concat())?;
    venv()
}

/// Everything, and the bench's peers.
pub fn to_bench() -> Result<()> {
    all()?;
    packages(TO_BENCH)
}

fn packages(wanted: &[&str]) -> Result<()> {
    if !cfg!(target_os = "linux") {
        // macOS and Windows bring what a build needs with their own toolchains.
        return Ok(());
    }
    let debian = std::path::Path::new("/etc/debian_version").exists();
    if !debian {
        println!(
            "This is neither Debian nor Ubuntu. Scumble needs what these of their packages hold; \
             please see to it that they are there:\n  {}",
            wanted.join(" ")
        );
        return if succeeds(&mut program("pkg-config", &["--exists", "x11", "gl", "alsa"])) {
            Ok(())
        } else {
            bail!("pkg-config does not find x11, gl and alsa: install the packages named above")
        };
    }
    let missing: Vec<&str> = wanted
        .iter()
        .copied()
        .filter(|name| {
            let query = &["-W", "-f=${db:Status-Status}\n", name];
            !program("dpkg-query", query)
                .output()
                .is_ok_and(|o| String::from_utf8_lossy(&o.stdout).lines().any(|l| l == "installed"))
        })
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    println!("Missing packages: {}", missing.join(" "));
    let root_user = program("id", &["-u"]).output().is_ok_and(|o| o.stdout.starts_with(b"0"));
    let prefix: &[&str] = if root_user {
        &["env"]
    } else if succeeds(&mut program("sudo", &["-n", "true"])) {
        &["sudo", "-n"]
    } else {
        bail!(
            "not root, and sudo asks for a password. Please run:\n  sudo apt-get install {}",
            missing.join(" ")
        );
    };
    let apt = |args: &[&str]| {
        let mut words = prefix[1..].to_vec();
        words.extend(["DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"]);
        words.extend(args);
        run(&mut program(prefix[0], &words))
    };
    apt(&["update"])?;
    let mut install = vec!["install", "--yes", "--no-install-recommends"];
    install.extend(&missing);
    apt(&install)
}

/// The Python environment with the hosts and references of the tests.
fn venv() -> Result<()> {
    let requirements = root().join("tests/py/requirements.txt");
    let wanted = std::fs::read_to_string(&requirements)?;
    let stamp = target().join("venv/requirements.txt");
    if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    let folder = target().join("venv");
    let folder = folder.to_string_lossy();
    run(&mut program("python3", &["-m", "venv", &folder]))?;
    let file = requirements.to_string_lossy();
    let quiet = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", &file];
    run(&mut program(python(), &quiet))?;
    std::fs::write(stamp, wanted)?;
    Ok(())
}
