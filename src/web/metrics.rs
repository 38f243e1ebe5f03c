//! Every number of the station in the text format of Prometheus
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/>).

use std::fmt::{Display, Write};

use super::Site;
use crate::record::State;
use crate::status::Status;

/// The text, as it grows.
#[derive(Debug, Default)]
struct Exposition(String);

/// What is true now.
pub(super) fn text(site: &Site) -> String {
    let lately = site.recent.lately();
    let health = site.health(&lately);
    let mut text = Exposition::default();
    let (place, station) = &site.named;
    let about = [
        ("site", place.as_str()),
        ("station", station),
        ("version", &site.run.0.version),
        ("model", &site.run.0.model.get()),
    ];
    text.head("info", "gauge", "The station and its program; always 1.").line("info", &about, 1);

    text.head("state", "gauge", "What the machine is doing: 1 for that, 0 for all else.");
    for state in State::ALL {
        text.line("state", &[("state", state.as_str())], u8::from(state == health.state));
    }
    text.head("incident", "gauge", "Incidents that are open.");
    for open in &lately.incidents {
        let lane = open.incident.lane.as_deref().unwrap_or_default();
        text.line("incident", &[("incident", &open.incident.incident), ("lane", lane)], 1);
    }
    text.head("lane_items_total", "counter", "Items by the lane in which they are believed to be.");
    for (lane, _) in &site.lanes {
        text.line("lane_items_total", &[("lane", lane)], lately.lanes.get(lane).copied().unwrap_or(0));
    }
    text.head("astray_total", "counter", "Items of which nobody knows where they are.");
    text.line("astray_total", &[], lately.astray);

    for (name, count) in &health.counters {
        let total = format!("{name}_total");
        text.head(&total, "counter", Status::help(name).unwrap_or_default()).line(&total, &[], count);
    }
    for (name, value) in &health.gauges {
        text.head(name, "gauge", Status::help(name).unwrap_or_default()).line(name, &[], value);
    }
    text.head("latency_seconds", "gauge", "Percentiles of each stage's latency since the start; 1 is the largest.");
    for (stage, spread) in &health.latencies_ms {
        for (quantile, ms) in [("0.5", spread.p50_ms), ("0.99", spread.p99_ms), ("1", spread.max_ms)] {
            text.line("latency_seconds", &[("stage", stage), ("quantile", quantile)], ms / 1e3);
        }
    }
    text.head("latency_samples_total", "counter", "How many samples stand behind each stage's percentiles.");
    for (stage, spread) in &health.latencies_ms {
        text.line("latency_samples_total", &[("stage", stage)], spread.n);
    }
    text.gauge("uptime_seconds", "Seconds since the start.", Some(health.uptime_s));
    let heat = "The processor's temperature, where the board tells it.";
    text.gauge("temperature_celsius", heat, health.temperature_c);
    text.gauge("disk_free_bytes", "Bytes free where the state directory is.", health.disk_free_bytes);
    text.gauge("resident_memory_bytes", "Bytes of memory that the daemon holds.", health.resident_bytes);
    text.0
}

impl Exposition {
    fn head(&mut self, name: &str, kind: &str, help: &str) -> &mut Self {
        self.push(format_args!("# HELP pilah_{name} {help}\n# TYPE pilah_{name} {kind}\n"))
    }

    fn line(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) -> &mut Self {
        self.push(format_args!("pilah_{name}"));
        for (n, (label, text)) in labels.iter().enumerate() {
            let comma = if n == 0 { '{' } else { ',' };
            self.push(format_args!("{comma}{label}=\"{}\"", escaped(text)));
        }
        let end = if labels.is_empty() { "" } else { "}" };
        self.push(format_args!("{end} {value}\n"))
    }

    /// A single value, where there is one.
    fn gauge(&mut self, name: &str, help: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.head(name, "gauge", help).line(name, &[], value);
        }
    }

    fn push(&mut self, text: std::fmt::Arguments<'_>) -> &mut Self {
        self.0.write_fmt(text).expect("a string takes any text");
        self
    }
}

/// A label's text, as the format wants it between quotes.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
