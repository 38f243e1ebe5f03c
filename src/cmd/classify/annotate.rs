//! A picture with its answer written below it, as an SVG file: sharp at any size, and no font is shipped.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::super::save::save;
use super::{Answer, sentence};
use crate::pipeline::preprocess::{Raster, thumbnail};

/// The longer side of the picture shown.
const SIDE: u32 = 640;

/// How many of the best classes get a bar.
const BARS: usize = 5;

/// Where drawings go, if anywhere.
pub(super) struct Folder {
    path: Option<PathBuf>,
    names: BTreeSet<String>,
}

impl Folder {
    /// Drawings go into `path`.
    pub(super) fn new(path: Option<&Path>) -> Self {
        Self { path: path.map(Path::to_owned), names: BTreeSet::new() }
    }

    /// Draws an answer; pictures of the same name in other folders get a number.
    pub(super) fn draw(&mut self, image: &Path, raster: &Raster, answer: &Answer) -> Result<()> {
        let Some(folder) = &self.path else { return Ok(()) };
        let plain = image.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let numbered = (2..).map(|number| format!("{plain}-{number}"));
        let free = std::iter::once(plain.clone()).chain(numbered).find(|name| !self.names.contains(name));
        let name = free.unwrap_or(plain);
        save(&folder.join(format!("{name}.svg")), drawing(raster, answer)?.as_bytes())?;
        self.names.insert(name);
        Ok(())
    }
}

fn drawing(raster: &Raster, answer: &Answer) -> Result<String> {
    const LINE: usize = 24;
    let (picture, height) = (base64(&thumbnail(raster, SIDE)?), SIDE as usize);
    let whole = height + LINE * (BARS + 2);
    let colour = if answer.sorted { "#1b7837" } else { "#b35806" };
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{SIDE}\" height=\"{whole}\" viewBox=\"0 0 {SIDE} {whole}\" \
         font-family=\"sans-serif\" font-size=\"15\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <image width=\"{SIDE}\" height=\"{SIDE}\" href=\"data:image/jpeg;base64,{picture}\"/>\n\
         <text x=\"8\" y=\"{}\" fill=\"{colour}\" font-weight=\"bold\">{}</text>\n",
        height + LINE,
        escape(&sentence(answer))
    );
    outlines(&mut svg, raster, answer)?;
    for (at, (class, p)) in answer.scores.iter().take(BARS).enumerate() {
        let (top, p) = (height + LINE * (at + 1) + LINE / 2, p.as_f64().unwrap_or(0.0));
        let (class, ink, text) = (escape(class), p * f64::from(SIDE - 240), top + LINE / 2 + 3);
        writeln!(
            svg,
            "<text x=\"8\" y=\"{text}\">{class}</text><rect x=\"150\" y=\"{}\" width=\"{ink:.0}\" height=\"14\" \
             fill=\"{colour}\"/><text x=\"{:.0}\" y=\"{text}\">{:.1} %</text>",
            top + 2,
            156.0 + ink,
            p * 100.0
        )?;
    }
    svg.push_str("</svg>\n");
    Ok(svg)
}

/// The part that the classifier went closer to, dashed, and the lines of text that were read, each with its box: the
/// recipient's green, the sender's violet.
fn outlines(svg: &mut String, raster: &Raster, answer: &Answer) -> Result<()> {
    // The picture is fitted into a square, its middle in the middle.
    let (width, height) = (f64::from(raster.width), f64::from(raster.height));
    let scale = f64::from(SIDE) / width.max(height);
    let shifted = |at: f64, side: f64| (at - side / 2.0) * scale + f64::from(SIDE) / 2.0;
    let place = |[x, y]: [i32; 2]| (shifted(f64::from(x), width), shifted(f64::from(y), height));
    if let Some(zone) = &answer.closer {
        writeln!(
            svg,
            "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"none\" stroke=\"#4575b4\" \
             stroke-width=\"2\" stroke-dasharray=\"8 5\"/>",
            shifted(zone.left * width, width),
            shifted(zone.top * height, height),
            zone.width * width * scale,
            zone.height * height * scale
        )?;
    }
    for line in answer.lines.iter().flatten() {
        let colour = match line.role {
            Some("recipient") => "#1b7837",
            Some("sender") => "#762a83",
            _ => "#4575b4",
        };
        let corners = line.corners.map(place);
        let points: Vec<String> = corners.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let (x, y) = corners[0];
        writeln!(
            svg,
            "<polygon points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.2\"><title>{text}</title></polygon>\
             <text x=\"{x:.1}\" y=\"{:.1}\" fill=\"{colour}\" font-size=\"8\">{text}</text>",
            points.join(" "),
            y - 1.0,
            text = escape(&line.text)
        )?;
    }
    Ok(())
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// RFC 4648, with padding.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |chunk: &[u8]| {
        let bits = chunk.iter().chain([&0, &0]).take(3).fold(0u32, |bits, &byte| bits << 8 | u32::from(byte));
        let letter = |place: usize| match place <= chunk.len() {
            true => char::from(ALPHABET[(bits >> (18 - 6 * place) & 63) as usize]),
            false => '=',
        };
        [0, 1, 2, 3].map(letter)
    };
    bytes.chunks(3).flat_map(group).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_rfc() {
        for (plain, coded) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }
}
