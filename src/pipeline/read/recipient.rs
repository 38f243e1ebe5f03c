//! Which of a label's addresses is the recipient's, and what makes that less sure.

use std::cell::OnceCell;
use std::collections::BTreeSet;

use crate::pipeline::read::address::{Address, weigh};
use crate::pipeline::read::blocks::{Block, SAME_ROW, SHORT, gap, glyphs, offset};
use crate::pipeline::read::gazetteer::Gazetteer;
use crate::pipeline::read::heads::is_return;
use crate::pipeline::read::keywords::{Role, begins_company, begins_street, level_of};
use crate::pipeline::read::names::Names;
use crate::pipeline::read::number::length;
use crate::pipeline::read::strangers::beginnings;
use crate::pipeline::read::text::{Glyph, Line};
use crate::pipeline::read::tokens::{Kind, Token, tokens};
use crate::record::Reason;

/// Less than this is no address.
pub const ADDRESS: f32 = 9.0;
/// What a block without a keyword must weigh to count as the recipient's.
const UNNAMED: f32 = 13.0;
/// The recipient's print is at least so much larger than the sender's. Of 39 labels of a depot the least was 1.02 times
/// as large, the middle one 1.24; of generated ones 0.87 and 1.35.
const LARGER: f32 = 1.12;
/// What is known of an address speaks against another one of the other region from this weight on.
const CONTRADICTED: f32 = 3.0;
/// So many rows of a form with something beside them are no chance.
const ROWS: usize = 2;
/// From this weight on what follows another keyword may be the other party's address.
const PARTY: f32 = 4.5;

/// What makes an address less sure than its weights: the logistic's coefficients, in nats.
mod weights {
    /// The recipient's block has no keyword.
    pub(super) const UNNAMED: f32 = -2.0;
    /// Nothing but its larger print says that it is the recipient's.
    pub(super) const BY_SIZE: f32 = -1.0;
    /// Its keyword was misread, for each mistake.
    pub(super) const MISREAD: f32 = -0.4;
    /// Lines of it were put together from several blocks.
    pub(super) const SCATTERED: f32 = -0.7;
    /// No sender was named: its lines may be among the recipient's.
    pub(super) const NO_SENDER: f32 = -0.5;
    /// The nets' mean probability of a character, below 1.
    pub(super) const BLURRED: f32 = -4.0;
}

/// The recipient's address and what speaks for its being the recipient's.
pub struct Party {
    /// What its places and codes weigh.
    pub address: Address,
    /// Its lines.
    pub lines: Vec<usize>,
    /// The characters that the address was read from.
    pub text: Vec<Glyph>,
    /// Sum of `weights` that apply.
    pub doubt: f32,
    /// The recipient is one of several in the same region: only the region is known.
    pub any: bool,
}

/// The blocks of a label, by their places in the list, and what the address in each weighs: reckoned once, where
/// somebody asks.
pub struct Label<'a> {
    lines: &'a [Line],
    blocks: &'a [Block],
    addresses: Vec<OnceCell<Address>>,
    gazetteer: &'a Gazetteer,
    names: &'a Names,
}

impl<'a> Label<'a> {
    /// A label of these blocks of lines.
    pub fn new(lines: &'a [Line], blocks: &'a [Block], gazetteer: &'a Gazetteer, names: &'a Names) -> Self {
        Self { lines, blocks, addresses: vec![OnceCell::new(); blocks.len()], gazetteer, names }
    }

    /// The recipient, as the digits in the boxes of a letter confirm, contradict or replace him; or why there is none.
    ///
    /// # Errors
    /// The reason for which the label gets no lane.
    pub fn recipient(&self, boxed: &[Glyph]) -> Result<Party, Reason> {
        if self.goes_back() {
            return Err(Reason::Disagree);
        }
        let found = match self.printed() {
            Ok(party) if self.is_a_strangers(&party) => Err(Reason::Unsure),
            found => found,
        };
        if boxed.is_empty() {
            return found;
        }
        let party = match found {
            Ok(party) if !party.any => party,
            Ok(_) | Err(Reason::NoRead | Reason::Unsure) => {
                Party { address: Address::default(), lines: Vec::new(), text: Vec::new(), doubt: 0.0, any: false }
            }
            Err(reason) => return Err(reason),
        };
        let word = "KODE POS ".chars().map(|c| Glyph { c, p: 1.0, other: None });
        let mut text = party.text;
        text.extend(word.chain(boxed.iter().copied()));
        text.push(Glyph { c: '\n', p: 1.0, other: None });
        Ok(Party { address: self.weigh(&text), text, ..party })
    }

    /// Whether the label is marked as a return's, by a word that stands alone or askew as a stamp does, and not above an
    /// address: its recipient is its sender then.
    fn goes_back(&self) -> bool {
        let heads = |line: usize| self.blocks.iter().position(|block| block.lines.first() == Some(&line));
        let alone = |line: usize| heads(line).is_none_or(|at| self.address(at).weight() < PARTY);
        (0..self.lines.len()).any(|line| is_return(&self.lines[line]) && alone(line))
    }

    /// The recipient by the print alone.
    fn printed(&self) -> Result<Party, Reason> {
        let named: Vec<usize> = self.of(Some(Role::Recipient)).collect();
        if named.is_empty() {
            return self.unnamed();
        }
        let strong = named.iter().map(|&at| self.address(at)).filter(|address| address.weight() >= ADDRESS);
        let regencies: BTreeSet<Option<u16>> = strong.map(|address| address.regency.map(|found| found.what)).collect();
        if regencies.len() > 1 {
            return Err(Reason::SeveralLabels);
        }
        let no_sender = self.of(Some(Role::Sender)).next().is_none();
        let cost = named.iter().map(|&at| self.blocks[at].cost).fold(0.0, f32::max);
        let doubt = weights::MISREAD * cost + if no_sender { weights::NO_SENDER } else { 0.0 };
        let party = self.party(&named, doubt);
        if party.address.weight() >= ADDRESS || party.address.abroad {
            return Ok(party);
        }
        match self.apart(&named, &party.address) {
            Some(at) => Ok(self.party(&[&named[..], &[at]].concat(), doubt + weights::SCATTERED)),
            None => Ok(party),
        }
    }

    /// Whether an address stands behind the place where another party's may begin, and none before it.
    fn is_a_strangers(&self, party: &Party) -> bool {
        beginnings(&party.text).into_iter().any(|at| {
            let before = self.weigh(&party.text[..at]);
            before.weight() < ADDRESS || before.region() != party.address.region()
        })
    }

    /// The block that goes on with the recipient's, whose address stands apart from his keyword: the only address that
    /// nobody is named for. It may as well be the sender's or the courier's: so it stands beside the rows of a form that
    /// is the recipient's, or the sender's is known and it is not.
    fn apart(&self, named: &[usize], known: &Address) -> Option<usize> {
        let mut loose = self.loose().filter(|&at| self.address(at).weight() >= ADDRESS);
        let at = loose.next().filter(|_| loose.next().is_none())?;
        let region = self.address(at).region();
        let contradicted = known.regions[1 - region] - known.regions[region] >= CONTRADICTED;
        let mut parties = self.of(None).filter(|&other| other != at && self.tells_of_a_party(other));
        let smaller = parties.any(|other| self.is_smaller(at, other));
        let goes_on = |&named: &usize| {
            self.fills(named, at) || (self.sender_is_known() && !self.is_smaller(at, named) && self.follows(named, at))
        };
        (named.iter().any(goes_on) && !contradicted && !smaller).then_some(at)
    }

    /// Whether lines of a block stand beside the rows of a form: `Alamat :`, `Kec :`.
    fn fills(&self, form: usize, at: usize) -> bool {
        let rows = self.lines_of(form).filter(|row| row.glyphs.last().is_some_and(|glyph| glyph.c == ':'));
        let beside = |row: &&Line| {
            self.lines_of(at)
                .any(|line| matches!(offset(row, line), (along, down) if along > 0.0 && down.abs() < SAME_ROW))
        };
        rows.filter(beside).count() >= ROWS
    }

    /// Whether a block stands below another one's first line or beside it, and no sender's above it is as near.
    fn follows(&self, above: usize, at: usize) -> bool {
        let below = |above: usize| {
            let Some(first) = self.lines_of(above).next() else { return false };
            let (count, lines) = (self.blocks[at].lines.len(), self.lines_of(at));
            2 * lines.filter(|line| offset(first, line).1 > -SAME_ROW).count() > count
        };
        let gap = |other: usize| gap(self.lines, &self.blocks[other], &self.blocks[at]);
        below(above) && self.of(Some(Role::Sender)).all(|sender| !below(sender) || gap(sender) > gap(above))
    }

    /// The recipient of a label without a keyword for him.
    fn unnamed(&self) -> Result<Party, Reason> {
        let loose: Vec<usize> = self.loose().filter(|&at| self.address(at).weight() >= UNNAMED).collect();
        match &loose[..] {
            [] => Err(Reason::NoRead),
            // Beside a sender whose address is known: otherwise this may be what his keyword lost. In smaller print it is
            // the courier's.
            [at] if self.sender_is_known()
                && !self.of(Some(Role::Sender)).any(|sender| self.is_smaller(*at, sender)) =>
            {
                Ok(self.party(&[*at], weights::UNNAMED))
            }
            several => self.by_size(several).or_else(|| self.of_one_region(several)).ok_or(Reason::Unsure),
        }
    }

    /// Of one or two addresses the one in larger print than everything else that may be a party's.
    fn by_size(&self, found: &[usize]) -> Option<Party> {
        // Who else may be meant: a sender who is named, and whoever else has something of an address.
        let others = (0..self.blocks.len()).filter(|at| match self.blocks[*at].role {
            Some(Role::Sender) => true,
            None => !found.contains(at) && self.tells_of_a_party(*at),
            _ => self.address(*at).weight() >= PARTY,
        });
        let mut ranked = found.iter().map(|&at| Some((self.print(at)?, at))).collect::<Option<Vec<_>>>()?;
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
        let ((largest, at), rest) = ranked.split_first()?;
        let smaller = rest.iter().map(|(size, _)| Some(*size)).chain(others.map(|at| self.print(at)));
        let smaller = smaller.collect::<Option<Vec<_>>>()?;
        let stands_out =
            (1..=3).contains(&smaller.len()) && rest.len() < 2 && smaller.iter().all(|size| size * LARGER <= *largest);
        stands_out.then(|| self.party(&[*at], weights::UNNAMED + weights::BY_SIZE))
    }

    /// Several addresses in different regencies of one region: the one that is least sure of it stands for all.
    fn of_one_region(&self, several: &[usize]) -> Option<Party> {
        let addresses: Vec<&Address> = several.iter().map(|&at| self.address(at)).collect();
        let regencies = addresses.iter().filter_map(|address| address.regency).map(|found| found.what);
        let apart = several.len() > 1 && regencies.collect::<BTreeSet<_>>().len() == several.len();
        let together = addresses.windows(2).all(|pair| pair[0].region() == pair[1].region());
        let &at = several.iter().min_by(|a, b| self.address(**a).p().total_cmp(&self.address(**b).p()))?;
        (apart && together).then(|| Party { any: true, ..self.party(&[at], weights::UNNAMED) })
    }

    fn of(&self, role: Option<Role>) -> impl Iterator<Item = usize> {
        (0..self.blocks.len()).filter(move |&at| self.blocks[at].role == role)
    }

    /// Blocks that nobody is named for. A line by itself is no address: courier, service, sort code. A company's may be
    /// the courier's own.
    fn loose(&self) -> impl Iterator<Item = usize> {
        let is_company = |at: usize| {
            let first = tokens(&glyphs(self.lines, &self.blocks[at])).into_iter().next();
            first.is_some_and(|token| begins_company(&token.letters))
        };
        self.of(None).filter(move |&at| self.blocks[at].lines.len() > 1 && !is_company(at))
    }

    fn sender_is_known(&self) -> bool {
        self.of(Some(Role::Sender)).any(|at| self.address(at).weight() >= ADDRESS)
    }

    fn lines_of(&self, at: usize) -> impl Iterator<Item = &Line> {
        self.blocks[at].lines.iter().map(|&line| &self.lines[line])
    }

    fn address(&self, at: usize) -> &Address {
        self.addresses[at].get_or_init(|| self.weigh(&glyphs(self.lines, &self.blocks[at])))
    }

    fn weigh(&self, text: &[Glyph]) -> Address {
        weigh(text, self.gazetteer, self.names)
    }

    /// What some blocks say together.
    fn party(&self, parts: &[usize], doubt: f32) -> Party {
        let blocks: Vec<&Block> = parts.iter().map(|&at| &self.blocks[at]).collect();
        let text: Vec<Glyph> = blocks.iter().flat_map(|block| glyphs(self.lines, block)).collect();
        let (address, scattered) = match parts {
            [at] => (self.address(*at).clone(), 0.0),
            _ => (self.weigh(&text), weights::SCATTERED),
        };
        let read: Vec<f32> = text.iter().filter(|glyph| !matches!(glyph.c, '\n' | ' ')).map(|glyph| glyph.p).collect();
        let blurred = weights::BLURRED * (1.0 - read.iter().sum::<f32>() / length(read.len().max(1)));
        let lines = blocks.iter().flat_map(|block| block.lines.iter().copied()).collect();
        Party { address, lines, text, doubt: doubt + scattered + blurred, any: false }
    }

    /// Whether there is a telephone number, a street or a district in a block, however badly the rest was read.
    fn tells_of_a_party(&self, at: usize) -> bool {
        let of_one = |token: &Token| {
            token.kind == Kind::Phone || level_of(&token.letters).is_some() || begins_street(&token.letters)
        };
        tokens(&glyphs(self.lines, &self.blocks[at])).iter().any(of_one)
    }

    /// Whether a block's print is smaller than another one's.
    fn is_smaller(&self, at: usize, than: usize) -> bool {
        self.print(at).zip(self.print(than)).is_some_and(|(size, other)| size * LARGER < other)
    }

    /// How large the print of a block is: the middle one of its lines' capitals, in pixels; none where no line says.
    fn print(&self, at: usize) -> Option<f32> {
        let lines = self.lines_of(at);
        let mut sizes: Vec<f32> = lines.filter(|line| line.glyphs.len() >= SHORT).map(|line| line.cap).collect();
        sizes.sort_by(f32::total_cmp);
        sizes.get(sizes.len() / 2).copied()
    }
}
