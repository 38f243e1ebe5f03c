//! Cuts a stream of bytes into JPEG files.

/// The most that is kept of a file whose end does not come: 12 MP at the finest quality are some 10 MB.
const LARGEST: usize = 16 << 20;

/// Bytes of a stream, cut at the ends of its JPEG files. Whatever lies between files is dropped.
#[derive(Debug, Default)]
pub(super) struct Splitter {
    bytes: Vec<u8>,
    /// Where looking for the end goes on.
    at: usize,
    part: Part,
}

/// Where in a file `at` stands.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// Before its start.
    #[default]
    Before,
    /// At a marker.
    Marker,
    /// In the compressed pixels, where 0xFF is followed by 0, by a restart marker, or by the next marker.
    Pixels,
}

impl Splitter {
    /// Takes bytes in; the newest whole file that they complete comes out.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        self.bytes.extend_from_slice(bytes);
        let mut newest = None;
        while let Some(file) = self.cut() {
            newest = Some(file);
        }
        if self.bytes.len() > LARGEST {
            *self = Self::default();
        }
        newest
    }

    /// The first whole file, if there is one.
    fn cut(&mut self) -> Option<Vec<u8>> {
        loop {
            match self.part {
                Part::Before => {
                    let start = self.bytes.windows(3).position(|three| three == [0xff, 0xd8, 0xff]);
                    // The last two bytes may be the beginning of a start.
                    let junk = start.unwrap_or(self.bytes.len().saturating_sub(2));
                    self.bytes.drain(..junk);
                    start?;
                    (self.at, self.part) = (2, Part::Marker);
                }
                Part::Marker => {
                    let [first, marker, ..] = *self.bytes.get(self.at..)? else { return None };
                    match (first, marker) {
                        (0xff, 0xd9) => return Some(self.end()),
                        // A marker may be filled up with any number of 0xFF.
                        (0xff, 0xff) => self.at += 1,
                        (0xff, 0x01 | 0xd0..=0xd8) => self.at += 2,
                        (0xff, 0xc0..) => {
                            let [high, low] = *self.bytes.get(self.at + 2..self.at + 4)? else { return None };
                            self.at += 2 + usize::from(u16::from_be_bytes([high, low])).max(2);
                            if marker == 0xda {
                                self.part = Part::Pixels;
                            }
                        }
                        // No JPEG after all.
                        _ => self.forget(),
                    }
                }
                Part::Pixels => {
                    let rest = self.bytes.get(self.at..)?;
                    let marker = rest.windows(2).position(|two| two[0] == 0xff && !matches!(two[1], 0 | 0xd0..=0xd7));
                    match marker {
                        Some(offset) => (self.at, self.part) = (self.at + offset, Part::Marker),
                        None => {
                            self.at += rest.len().saturating_sub(1);
                            return None;
                        }
                    }
                }
            }
        }
    }

    fn end(&mut self) -> Vec<u8> {
        let rest = self.bytes.split_off(self.at + 2);
        self.part = Part::Before;
        std::mem::replace(&mut self.bytes, rest)
    }

    fn forget(&mut self) {
        self.bytes.drain(..2);
        self.part = Part::Before;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Start, a segment that holds a thumbnail's end marker, pixels with a stuffed byte and a restart, end.
    const FILE: &[u8] =
        &[0xff, 0xd8, 0xff, 0xe0, 0, 6, 0xff, 0xd9, 1, 2, 0xff, 0xda, 0, 3, 9, 5, 0xff, 0, 0xff, 0xd0, 7, 0xff, 0xd9];

    #[test]
    fn files_come_out_whole_however_the_stream_is_cut() {
        let stream = [b"junk".as_slice(), FILE, &[0, 0xff], FILE, &[0xff]].concat();
        for piece in 1..stream.len() {
            let mut splitter = Splitter::default();
            let files: Vec<Vec<u8>> = stream.chunks(piece).filter_map(|bytes| splitter.push(bytes)).collect();
            assert!(files.iter().all(|file| file == FILE), "pieces of {piece}");
            assert_eq!(files.len(), if piece < FILE.len() { 2 } else { files.len() }, "pieces of {piece}");
            assert!(!files.is_empty(), "pieces of {piece}");
        }
    }

    #[test]
    fn the_newest_of_several_files_comes_out() {
        let second = [&FILE[..14], &[8], &FILE[15..]].concat();
        let mut splitter = Splitter::default();
        assert_eq!(splitter.push(&[FILE, &second].concat()), Some(second));
    }

    #[test]
    fn garbage_is_dropped_and_never_grows_without_bound() {
        let mut splitter = Splitter::default();
        let mut rng = fastrand::Rng::with_seed(7);
        for _ in 0..300 {
            let noise: Vec<u8> = (0..65_536).map(|_| rng.u8(..)).collect();
            drop(splitter.push(&noise));
            assert!(splitter.bytes.len() <= LARGEST);
        }
        let endless = vec![0x20; LARGEST];
        assert_eq!(splitter.push(&[&FILE[..20], &endless].concat()), None);
        assert_eq!(splitter.push(FILE).as_deref(), Some(FILE));
    }

    proptest! {
        #[test]
        fn what_comes_out_is_a_file_however_the_stream_is_damaged(
            damage in prop::collection::vec((0_usize..FILE.len() * 20, any::<u8>()), 0..30),
            pieces in prop::collection::vec(1_usize..200, 1..40),
        ) {
            let mut stream = FILE.repeat(20);
            damage.iter().for_each(|(at, byte)| stream[*at] = *byte);
            stream.extend(FILE.repeat(2));
            let (mut splitter, mut rest, mut files) = (Splitter::default(), stream.as_slice(), Vec::new());
            for piece in pieces.iter().cycle() {
                let (now, later) = rest.split_at(rest.len().min(*piece));
                files.extend(splitter.push(now));
                rest = later;
                if rest.is_empty() {
                    break;
                }
            }
            for file in &files {
                prop_assert!(file.starts_with(&[0xff, 0xd8, 0xff]) && file.ends_with(&[0xff, 0xd9]), "{file:x?}");
                prop_assert!(stream.windows(file.len()).any(|part| part == file), "it stands in the stream");
            }
        }
    }
}
