//! Convolutions over all channels, and fully connected layers, as rows of bytes times packed weights.
//!
//! A pointwise convolution is that already: its rows are the pixels. Any other gathers the windows of a few output
//! pixels at a time, as rows, into a buffer that stays in the first-level cache.

use std::array;

use super::{Geometry, Kernel, Lanes, Limits, Line, Shape, portable};

/// How many output channels stand together in packed weights.
pub(super) const PANEL: usize = 16;

/// How many bytes of depth stand together in packed weights.
pub(super) const DEEP: usize = 4;

/// How many bytes of windows are gathered at once: with their weights they fit a first-level cache of 32 KiB.
const GATHERED: usize = 12 * 1024;

/// Packed weights, with what makes their sums bytes.
#[derive(Debug)]
pub(in super::super) struct Dense {
    kernel: &'static Kernel,
    /// Output channels.
    pub(super) channels: usize,
    /// Bytes a row, over [`DEEP`], rounded up.
    pub(super) steps: usize,
    /// `[panel][step]`: 16 channels times 4 bytes of depth each, zero where there are none.
    pub(super) lines: Vec<Line>,
    /// A panel's biases, with the zero point's share.
    pub(super) bias: Vec<Lanes<i32>>,
    /// A panel's scales.
    pub(super) scales: Vec<Lanes<f32>>,
    pub(super) limits: Limits,
    /// [`Limits::narrow`]
    #[cfg_attr(
        not(target_arch = "x86_64"),
        expect(dead_code, reason = "the AVX kernels alone have a shorter way for it")
    )]
    pub(super) narrow: bool,
    zero: u8,
}

/// How a kernel takes rows that it must change before it multiplies them.
#[derive(Clone, Copy)]
pub(super) struct Tiles {
    /// Rows that it multiplies at once.
    pub(super) rows: usize,
    /// Bytes that it makes of each byte.
    pub(super) widths: usize,
}

impl Dense {
    /// Goes over `rows` a tile at a time: `spread` makes of them what the kernel takes, then `run` multiplies so many rows
    /// of that by a panel.
    pub(super) fn tiles(
        &self,
        rows: &[u8],
        out: &mut [u8],
        room: &mut Vec<u8>,
        tiles: Tiles,
        spread: impl Fn(&[u8], &mut [u8]),
        run: impl Fn(usize, &[u8], usize, &mut [u8]),
    ) {
        let deep = self.deep();
        room.resize(tiles.rows * deep * tiles.widths, 0);
        for (rows, out) in rows.chunks(tiles.rows * deep).zip(out.chunks_mut(tiles.rows * self.channels)) {
            spread(rows, &mut room[..rows.len() * tiles.widths]);
            let count = rows.len() / deep;
            for panel in 0..self.bias.len() {
                run(count, room, panel, out);
            }
        }
    }

    /// Packs weights of `[channels][depth]`; for a convolution depth is `[rows][columns][input channels]`.
    pub(in super::super) fn pack(
        kernel: &'static Kernel,
        weights: &[i8],
        bias: &[i32],
        scales: &[f32],
        zero: u8,
        limits: Limits,
    ) -> Self {
        let kernel = if kernel.any_weight || !weights.contains(&i8::MIN) { kernel } else { &portable::PORTABLE };
        let channels = bias.len();
        let depth = weights.len() / channels;
        let (panels, steps) = (channels.div_ceil(PANEL), depth.div_ceil(DEEP));
        let mut lines = vec![Line([0; 64]); panels * steps];
        let mut packed = vec![Lanes([0; PANEL]); panels];
        let mut factors = vec![Lanes([0.0; PANEL]); panels];
        let shift = i32::from(zero) - if kernel.signed { 128 } else { 0 };
        let place: [[usize; DEEP]; PANEL] = array::from_fn(|n| array::from_fn(|k| (kernel.place)(n, k)));
        for (n, row) in weights.chunks_exact(depth).enumerate() {
            let (panel, lane) = (n / PANEL, n % PANEL);
            let mut sum = 0_i32;
            for (line, four) in lines[panel * steps..].iter_mut().zip(row.chunks(DEEP)) {
                for (&place, &weight) in place[lane].iter().zip(four) {
                    line.0[place] = weight;
                    sum = sum.wrapping_add(i32::from(weight));
                }
            }
            packed[panel].0[lane] = bias[n].wrapping_sub(sum.wrapping_mul(shift));
            factors[panel].0[lane] = scales[n];
        }
        let narrow = limits.narrow(scales);
        Self { kernel, channels, steps, lines, bias: packed, scales: factors, limits, narrow, zero }
    }

    /// Bytes a row: the depth, in whole steps.
    pub(super) fn deep(&self) -> usize {
        self.steps * DEEP
    }

    /// The lines of a panel.
    pub(super) fn panel(&self, panel: usize) -> &[Line] {
        &self.lines[panel * self.steps..][..self.steps]
    }

    /// Multiplies rows: each gives `channels` bytes.
    fn multiply(&self, rows: &[u8], out: &mut [u8], room: &mut Vec<u8>) {
        assert!(
            rows.len() * self.channels == out.len() * self.deep(),
            "rows as long as weights, room for what they give"
        );
        (self.kernel.dense)(self, rows, out, room);
    }

    /// Convolves a picture: `out` gets the output's pixels from `start` on, as many as it has room for; `room` is memory
    /// to work in.
    pub(in super::super) fn convolve(
        &self,
        geometry: &Geometry,
        shape: Shape,
        input: &[u8],
        start: usize,
        out: &mut [u8],
        room: &mut Room,
    ) {
        let Some([_, columns]) = geometry.windows(shape) else { return };
        let pixels = out.len() / self.channels;
        if geometry.is_pointwise() && shape.channels.is_multiple_of(DEEP) {
            let rows = &input[start * shape.channels..][..pixels * shape.channels];
            return self.multiply(rows, out, &mut room.own);
        }
        let pitch = self.deep();
        // A multiple of what every kernel takes at once.
        let block = (GATHERED / pitch).max(1).next_multiple_of(24);
        room.windows.resize(block.min(pixels) * pitch, 0);
        for first in (0..pixels).step_by(block) {
            let count = block.min(pixels - first);
            for (at, window) in (start + first..).zip(room.windows.chunks_exact_mut(pitch).take(count)) {
                gather(geometry, shape, input, self.zero, [at / columns, at % columns], window);
            }
            let out = &mut out[first * self.channels..][..count * self.channels];
            self.multiply(&room.windows[..count * pitch], out, &mut room.own);
        }
    }
}

/// Memory to work in, kept from run to run.
#[derive(Debug, Default)]
pub(in super::super) struct Room {
    /// Gathered windows, or padded rows.
    pub(super) windows: Vec<u8>,
    /// A kernel's own.
    pub(super) own: Vec<u8>,
}

/// Copies one window, row by row.
fn gather(geometry: &Geometry, shape: Shape, input: &[u8], zero: u8, [row, column]: [usize; 2], window: &mut [u8]) {
    let [taps, across] = geometry.kernel;
    let bytes = across * shape.channels;
    let first = column * geometry.stride[1];
    let last = first + (across - 1) * geometry.dilation[1];
    // The taps of a row are neighbours, and all in the picture: by far the most.
    let whole = geometry.dilation[1] == 1 && first >= geometry.before[1] && last < shape.width + geometry.before[1];
    for (tap, part) in window.chunks_exact_mut(bytes).take(taps).enumerate() {
        let Some(y) = geometry.at(0, row, tap, shape.height) else {
            part.fill(zero);
            continue;
        };
        let line = &input[y * shape.width * shape.channels..][..shape.width * shape.channels];
        if whole {
            part.copy_from_slice(&line[(first - geometry.before[1]) * shape.channels..][..bytes]);
            continue;
        }
        for (tap, pixel) in part.chunks_exact_mut(shape.channels).enumerate() {
            match geometry.at(1, column, tap, shape.width) {
                Some(x) => pixel.copy_from_slice(&line[x * shape.channels..][..shape.channels]),
                None => pixel.fill(zero),
            }
        }
    }
}

/// Weights as ONNX has them, `[channels][input channels][rows][columns]`, with the input channels last.
pub(in super::super) fn rows_first(weights: &[i8], channels: usize, geometry: &Geometry) -> Vec<i8> {
    let taps = geometry.kernel.iter().product::<usize>();
    if taps == 1 {
        return weights.to_vec();
    }
    let rows = weights.chunks_exact(weights.len() / channels);
    rows.flat_map(|row| (0..taps).flat_map(move |tap| row.iter().skip(tap).step_by(taps).copied())).collect()
}
