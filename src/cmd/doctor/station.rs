//! What the configuration names: model, camera, pins, broker, state directory.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};

use super::broker::broker;
use super::state::{owners, state};
use super::{Finding, unit, wear};
use crate::app::station;
use crate::clock::{Clock, SystemClock, thread_cpu};
use crate::config::Config;
use crate::drivers::runtime::{self, Lock};
use crate::drivers::{camera, gpio, gpiochip, tract};
#[cfg(not(feature = "rppal"))]
use crate::pipeline::actuate::Kind;
use crate::pipeline::capture::{Camera, Frame};
use crate::pipeline::preprocess::decode_file;

/// How long a camera may take for its first frame: USB cameras need up to two seconds to start.
const FIRST_FRAME: Duration = Duration::from_secs(5);

/// Looks at all of them.
pub(super) fn look(config: &Config) -> Vec<Finding> {
    let directory = runtime::directory();
    let daemon = Lock::holder(&directory);
    let mut findings = vec![Finding::of("model", model(config))];
    findings.push(match &daemon {
        Some(daemon) => Finding::ok("camera", format!("not looked at: {daemon} is at work with it")),
        None => Finding::of("camera", looks(config)),
    });
    findings.push(pins(config));
    if daemon.is_none() {
        findings.extend(lock(&directory.join("lock")));
    }
    findings.extend(daemon.map(|daemon| Finding::ok("daemon", format!("{daemon} drives the outputs"))));
    findings.extend(broker(&config.mqtt));
    findings.push(state(&config.store.directory));
    findings.extend(unit::writable(&config.store.directory, Path::new("/")));
    findings.extend(wear::wear(&config.store.directory));
    findings
}

fn model(config: &Config) -> Result<String> {
    let start = SystemClock.now();
    let mut eyes = station::open_eyes(config, Some(&config.store.directory))?;
    let (title, took) = (eyes.title(), SystemClock.now().since(start).as_millis());
    let golden = eyes.classifier.as_ref().and_then(|classifier| classifier.manifest.golden.first().cloned());
    let (Some(golden), Some(infer)) = (golden, &config.infer) else {
        return Ok(format!("{title}, loaded in {took} ms"));
    };
    let engine = eyes.classifier.as_ref().map_or_else(String::new, |classifier| format!("{:?}", classifier.engine));
    let file = tract::find(&infer.model)?.join(&golden.file);
    let picture = decode_file(&fs::read(&file).with_context(|| format!("reading {}", file.display()))?)?;
    let before = thread_cpu();
    eyes.see(&picture, &SystemClock)?;
    let one = (thread_cpu() - before).as_secs_f64() * 1e3;
    Ok(format!("{title} by {}, loaded in {took} ms, {one:.1} ms a picture", engine.to_lowercase()))
}

fn looks(config: &Config) -> Result<String> {
    let start = SystemClock.now();
    let opened = config.camera.opener()();
    let frame = opened
        .and_then(|mut camera| first_frame(&mut *camera, FIRST_FRAME))
        .map_err(|error| with_remedy(&error, &config.camera))?;
    let (width, height) = (frame.picture.width, frame.picture.height);
    let after = SystemClock.now().since(start).as_millis();
    Ok(match (width, height) {
        (0, _) | (_, 0) => format!("{:?} frames, the first after {after} ms", frame.picture.format),
        _ => format!("{:?} frames of {width}x{height}, the first after {after} ms", frame.picture.format),
    })
}

/// It may take several turns: the V4L2 driver keeps its first buffer for itself, and drops what is broken.
fn first_frame(camera: &mut dyn Camera, within: Duration) -> Result<Frame> {
    let end = SystemClock.now() + within;
    loop {
        let left = end.since(SystemClock.now());
        if let Some(frame) = camera.next(left)? {
            return Ok(frame);
        }
        if left.is_zero() {
            bail!("no frame in {} s", within.as_secs());
        }
    }
}

/// Drivers say what to do about most of what goes wrong; where they do not, this does.
fn with_remedy(error: &anyhow::Error, camera: &camera::Settings) -> anyhow::Error {
    let said = format!("{error:#}");
    if said.contains("; ") {
        return anyhow!(said);
    }
    let others = if camera.driver == camera::Driver::Replay { "" } else { ", and that no other program uses it" };
    anyhow!("{said}; {}{others}", camera.remedy().en)
}

fn pins(config: &Config) -> Finding {
    let what = "pins";
    match config.gpio.driver {
        gpio::Driver::None => Finding::ok(what, "none: nothing moves"),
        #[cfg(not(feature = "rppal"))]
        gpio::Driver::Rppal => {
            let servos = config.actuator.iter().any(|actuator| actuator.kind == Kind::Servo);
            let remedy = if servos {
                "servos need it: take the package, or build with --features board"
            } else {
                "set gpio.driver = \"gpiochip\", which drives pulses and holds on any board; the packages have rppal"
            };
            Finding::fail(what, "this build has no rppal driver", remedy)
        }
        #[cfg(feature = "rppal")]
        gpio::Driver::Rppal => {
            let registers = crate::drivers::rppal::look();
            let lines = || gpiochip::survey(&config.gpio, &config.input, &config.actuator);
            Finding::of(what, registers.and_then(|()| lines()))
        }
        gpio::Driver::Gpiochip => Finding::of(what, gpiochip::survey(&config.gpio, &config.input, &config.actuator)),
    }
}

/// What root left by a command of its own keeps the service's user from its outputs, at every start.
fn lock(path: &Path) -> Option<Finding> {
    let opened = fs::OpenOptions::new().write(true).open(path);
    let error = opened.err().filter(|error| error.kind() != ErrorKind::NotFound)?;
    let (owner, me) = owners(path);
    let path = path.display();
    let remedy = match owner {
        Some(owner) if owner != me => {
            format!("it belongs to {owner} and this runs as {me}: chown {me} {path}, or remove it while nothing runs")
        }
        _ => format!("remove {path} while nothing runs"),
    };
    Some(Finding::fail("lock", format!("opening {path}: {error}; without it nothing moves"), remedy))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::capture::{Picture, PixelFormat};

    /// Gives nothing, at once, so many times; then a frame.
    struct Slow(u32);

    impl Camera for Slow {
        fn next(&mut self, _: Duration) -> Result<Option<Frame>> {
            let Some(left) = self.0.checked_sub(1) else {
                let picture = Picture { format: PixelFormat::Jpeg, width: 0, height: 0, bytes: [].into() };
                return Ok(Some(Frame { picture, exposed: SystemClock.now(), estimated: true, sequence: 1 }));
            };
            self.0 = left;
            Ok(None)
        }
    }

    #[test]
    fn a_camera_that_gives_no_frame_at_its_first_turn_is_asked_again() {
        assert!(first_frame(&mut Slow(3), FIRST_FRAME).is_ok());
        let error = first_frame(&mut Slow(3), Duration::ZERO).unwrap_err().to_string();
        assert_eq!(error, "no frame in 0 s");
    }

    #[test]
    fn a_lock_that_cannot_be_opened_is_told_before_anything_must_move() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        assert_eq!(lock(&path), None, "none yet");
        drop(Lock::take(folder.path()).unwrap());
        assert_eq!(lock(&path), None);
        // Nobody can write to a folder, not even root, as whom tests may run.
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        let told = lock(&path).unwrap().to_string();
        assert!(told.starts_with("FAIL lock") && told.contains("remove "), "{told}");
    }

    #[cfg(not(feature = "rppal"))]
    #[test]
    fn who_has_servos_is_not_sent_to_a_driver_that_has_none() {
        let told = |text: &str| {
            let parsed = Config::parse("f.toml".as_ref(), text, std::iter::empty());
            pins(&parsed.unwrap_or_else(|bad| panic!("{bad}"))).to_string()
        };
        let bin = told(include_str!("../../../config/bin.toml"));
        assert!(bin.contains("; servos need it: take the package"), "{bin}");
        let belt = include_str!("../../../config/waste.toml").replace("driver = \"gpiochip\"", "driver = \"rppal\"");
        let belt = told(&belt);
        assert!(belt.contains("; set gpio.driver = \"gpiochip\""), "{belt}");
    }

    #[test]
    fn a_remedy_is_told_once_and_is_one_for_this_camera() {
        let camera = |text: &str| toml::from_str::<camera::Settings>(text).unwrap();
        let usb = camera("driver = \"v4l\"\npath = \"/dev/video0\"");
        let program = camera("driver = \"command\"\ncommand = [\"rpicam-vid\", \"-t\", \"0\"]");
        let folder = camera("driver = \"replay\"\npath = \"/srv/pictures\"");
        for (said, of, told) in [
            ("busy; close the other program", &usb, "busy; close the other program"),
            ("no frame in 5 s", &usb, "no frame in 5 s; check its cable and power, and that no other program uses it"),
            (
                "no frame in 5 s",
                &program,
                "no frame in 5 s; look whether rpicam-vid runs by hand, and check the camera's cable, and that no other \
                 program uses it",
            ),
            ("it is empty", &folder, "it is empty; look into the folder /srv/pictures"),
        ] {
            assert_eq!(with_remedy(&anyhow!(said), of).to_string(), told);
        }
    }
}
