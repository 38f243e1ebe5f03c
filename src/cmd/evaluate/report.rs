//! The figures as tables for people, and the confusion matrix as a picture.

use std::fmt::Write;
use std::path::Path;

use anyhow::Result;

use super::super::save::save;
use super::figures::Figures;

/// Writes `report.md` and `confusion.svg`.
pub(super) fn write(folder: &Path, title: &str, figures: &Figures, skipped: usize) -> Result<()> {
    let text = format!("# {title}\n\n{}\n![confusion matrix](confusion.svg)\n", text(figures, skipped));
    save(&folder.join("report.md"), text.as_bytes())?;
    save(&folder.join("confusion.svg"), picture(figures).as_bytes())
}

/// The tables, in Markdown.
pub(super) fn text(figures: &Figures, skipped: usize) -> String {
    let mut text = String::new();
    let mut line = |row: std::fmt::Arguments<'_>| writeln!(text, "{row}").expect("a string takes all text");
    line(format_args!("{} pictures, {skipped} skipped because they cannot be read\n", figures.n));
    line(format_args!("| figure | value |\n|---|---:|"));
    line(format_args!("| accuracy | {} |", percent(figures.accuracy)));
    line(format_args!("| macro recall, without unknown | {} |", percent(figures.macro_recall)));
    line(format_args!(
        "| sorted: known ones that get a lane at the shipped thresholds | {} |",
        percent(figures.sorted)
    ));
    line(format_args!("| right, of all that get a lane | {} |", percent(figures.sorted_right)));
    line(format_args!("| unknown rejected: those in a folder `unknown` that get no lane | {} |", unknown(figures)));
    line(format_args!("| calibration error (ECE) | {:.4} |\n", figures.ece));
    line(format_args!("| class | precision | recall | F1 | pictures | sorted | of these right |"));
    line(format_args!("|---|---:|---:|---:|---:|---:|---:|"));
    for one in &figures.classes {
        let (precision, recall, f1) = (percent(one.precision), percent(one.recall), percent(one.f1));
        let (sorted, right) = (percent(one.sorted), percent(one.sorted_right));
        line(format_args!("| {} | {precision} | {recall} | {f1} | {} | {sorted} | {right} |", one.class, one.support));
    }
    line(format_args!("\n| is \\ called | {} |", list(figures.classes.iter().map(|one| one.class.as_str()))));
    line(format_args!("|---{}|", "|---:".repeat(figures.classes.len())));
    for (one, row) in figures.classes.iter().zip(&figures.confusion) {
        line(format_args!("| {} | {} |", one.class, list(row)));
    }
    line(format_args!("\n| surest | errors | confidence from |\n|---:|---:|---:|"));
    for point in &figures.risk_coverage {
        let (coverage, risk) = (percent(Some(point.coverage)), percent(Some(point.risk)));
        line(format_args!("| {coverage} | {risk} | {:.3} |", point.confidence));
    }
    text
}

/// The confusion matrix: a row a class, darker where more of its pictures went.
fn picture(figures: &Figures) -> String {
    const CELL: usize = 44;
    const MARGIN: usize = 110;
    let side = MARGIN + figures.classes.len() * CELL + 10;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{side}\" height=\"{side}\" viewBox=\"0 0 {side} {side}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    let mut add = |shape: std::fmt::Arguments<'_>| writeln!(svg, "{shape}").expect("a string takes all text");
    for (at, one) in figures.classes.iter().enumerate() {
        let (name, middle, edge) = (escape(&one.class), MARGIN + at * CELL + CELL / 2, MARGIN - 8);
        add(format_args!("<text x=\"{edge}\" y=\"{}\" text-anchor=\"end\">{name}</text>", middle + 4));
        let turn = format!("translate({} {edge}) rotate(-60)", middle + 4);
        add(format_args!("<text transform=\"{turn}\">{name}</text>"));
    }
    for (row, (counts, one)) in figures.confusion.iter().zip(&figures.classes).enumerate() {
        for (column, &count) in counts.iter().enumerate() {
            let (x, y) = (MARGIN + column * CELL, MARGIN + row * CELL);
            let percent = count * 100 / one.support.max(1);
            let colour = if row == column { "#1b7837" } else { "#b2182b" };
            add(format_args!(
                "<rect x=\"{x}\" y=\"{y}\" width=\"{CELL}\" height=\"{CELL}\" fill=\"{colour}\" \
                 fill-opacity=\"{:.2}\" stroke=\"#ccc\"/>",
                f64::from(u32::try_from(percent).unwrap_or(100)) / 100.0
            ));
            if count > 0 {
                let (x, y, ink) = (x + CELL / 2, y + CELL / 2 + 4, if percent > 55 { "white" } else { "black" });
                add(format_args!("<text x=\"{x}\" y=\"{y}\" text-anchor=\"middle\" fill=\"{ink}\">{count}</text>"));
            }
        }
    }
    svg.push_str("</svg>\n");
    svg
}

fn unknown(figures: &Figures) -> String {
    figures.unknown_rejected.map_or_else(|| "no such folder".to_owned(), |share| percent(Some(share)))
}

fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "none".to_owned(), |share| format!("{:.1} %", share * 100.0))
}

fn list<T: ToString>(items: impl IntoIterator<Item = T>) -> String {
    items.into_iter().map(|item| item.to_string()).collect::<Vec<_>>().join(" | ")
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
