//! Finds the fields of a JSON object and skips their values, 64 bytes at a time.
//!
//! Nearly all of a relayed message is one long string, and an SDP has an escape every 25 to 45
//! bytes. serde_json stops at each. Here 64 bytes are compared at once, with the widest vector
//! instructions that the processor has, and whatever is ordinary text or the escapes `\r` and `\n`
//! is passed in one step. Only what comes then is read byte by byte.
//!
//! This reader accepts less than serde_json, never more. Whatever it cannot judge quickly (a key
//! with escapes, deep nesting) and whatever is invalid is left to serde_json, which then says what
//! is wrong and where.

use std::ops::Range;

use fearless_simd::prelude::*;
use fearless_simd::{Level, dispatch, mask8x64, u8x64};

/// How many bytes are compared at once.
const BLOCK: usize = 64;
/// How many bytes are looked at together elsewhere.
const WORD: usize = 8;
/// A string that is longer than this is worth a look at a whole block.
const SHORT: usize = 2 * WORD;

/// Calls `found` with each field of the object that `text` is: its key without quotes, and where
/// its raw value is. `None` if this is for serde_json to judge, or if `found` says so.
pub(super) fn fields<'a>(
    text: &'a str,
    mut found: impl FnMut(&'a [u8], Range<usize>) -> Option<()>,
) -> Option<()> {
    let text = text.as_bytes();
    let mut scanner = Scanner { text, at: 0 };
    scanner.space();
    scanner.expect(b'{')?;
    scanner.space();
    if !scanner.take(b'}') {
        loop {
            let key = scanner.at + 1;
            scanner.plain_key()?;
            let key = &text[key..scanner.at - 1];
            scanner.colon()?;
            let start = scanner.at;
            scanner.value()?;
            found(key, start..scanner.at)?;
            scanner.space();
            if !scanner.take(b',') {
                break;
            }
            scanner.space();
        }
        scanner.expect(b'}')?;
    }
    scanner.space();
    (scanner.at == text.len()).then_some(())
}

/// A position in a text. What it has passed is valid JSON.
struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
}

/// The open arrays and objects, one bit each: set for an object.
struct Open {
    kinds: u64,
    depth: u32,
}

impl Open {
    fn push(&mut self, object: bool) -> Option<()> {
        self.kinds = self.kinds << 1 | u64::from(object);
        self.depth += 1;
        (self.depth < u64::BITS).then_some(())
    }

    fn pop(&mut self) {
        self.kinds >>= 1;
        self.depth -= 1;
    }

    const fn in_object(&self) -> bool {
        self.kinds & 1 == 1
    }
}

impl Scanner<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        self.take(byte).then_some(())
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn colon(&mut self) -> Option<()> {
        self.space();
        self.expect(b':')?;
        self.space();
        Some(())
    }

    /// Skips a key without escapes.
    fn plain_key(&mut self) -> Option<()> {
        self.expect(b'"')?;
        while let Some(word) = self.text[self.at..].first_chunk() {
            let ordinary = ordinary_bytes(*word);
            self.at += ordinary;
            if ordinary < WORD {
                break;
            }
        }
        while !matches!(self.peek()?, b'"' | b'\\' | 0..0x20) {
            self.at += 1;
        }
        self.expect(b'"')
    }

    /// Skips one value, without recursion.
    fn value(&mut self) -> Option<()> {
        let mut open = Open { kinds: 0, depth: 0 };
        loop {
            // At the start of a value.
            match self.peek()? {
                b'{' => {
                    self.at += 1;
                    self.space();
                    if !self.take(b'}') {
                        open.push(true)?;
                        self.key()?;
                        continue;
                    }
                }
                b'[' => {
                    self.at += 1;
                    self.space();
                    if !self.take(b']') {
                        open.push(false)?;
                        continue;
                    }
                }
                _ => self.scalar()?,
            }
            if self.after_value(&mut open)? {
                return Some(());
            }
        }
    }

    /// From the end of a value to the start of the next. True if it was the last.
    fn after_value(&mut self, open: &mut Open) -> Option<bool> {
        while open.depth > 0 {
            self.space();
            if self.take(b',') {
                self.space();
                if open.in_object() {
                    self.key()?;
                }
                return Some(false);
            }
            self.expect(if open.in_object() { b'}' } else { b']' })?;
            open.pop();
        }
        Some(true)
    }

    /// Skips a nested key and its colon. serde_json does not unescape it either.
    fn key(&mut self) -> Option<()> {
        self.expect(b'"')?;
        self.string()?;
        self.colon()
    }

    fn scalar(&mut self) -> Option<()> {
        match self.peek()? {
            b'"' => {
                self.at += 1;
                self.string()
            }
            b't' => self.word(b"true"),
            b'f' => self.word(b"false"),
            b'n' => self.word(b"null"),
            _ => self.number(),
        }
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        let there = self.text[self.at..].starts_with(word);
        self.at += word.len();
        there.then_some(())
    }

    fn number(&mut self) -> Option<()> {
        let _sign = self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            let _sign = self.take(b'+') || self.take(b'-');
            self.digits()?;
        }
        Some(())
    }

    fn digits(&mut self) -> Option<()> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        (self.at > start).then_some(())
    }

    /// Skips the rest of a string, and the quote that ends it.
    fn string(&mut self) -> Option<()> {
        // Most strings are short. The others are worth larger steps.
        let mut blocks_from = self.at + SHORT;
        loop {
            if self.at >= blocks_from {
                self.at += plain(Level::new(), &self.text[self.at..]);
                blocks_from = self.at + SHORT;
            }
            if let Some(word) = self.text[self.at..].first_chunk() {
                let ordinary = ordinary_bytes(*word);
                self.at += ordinary;
                if ordinary == WORD {
                    continue;
                }
            }
            match self.peek()? {
                b'"' => {
                    self.at += 1;
                    return Some(());
                }
                b'\\' => self.escape()?,
                0..0x20 => return None,
                _ => self.at += 1,
            }
        }
    }

    fn escape(&mut self) -> Option<()> {
        match self.text.get(self.at + 1)? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => self.at += 2,
            b'u' => {
                let digits = self.text.get(self.at + 2..self.at + 6)?;
                // Skipping, serde_json does not look for lone surrogates either.
                if !digits.iter().all(u8::is_ascii_hexdigit) {
                    return None;
                }
                self.at += 6;
            }
            _ => return None,
        }
        Some(())
    }
}

/// How many bytes come before the first quote, backslash or control character.
///
/// Subtracting one from each byte of a word sets the highest bit of those that were zero, and
/// perhaps of some after them, but of none before. So the lowest bit tells the first one.
const fn ordinary_bytes(word: [u8; WORD]) -> usize {
    const ONES: u64 = u64::MAX / 0xff;
    const HIGHEST: u64 = ONES << 7;
    let word = u64::from_le_bytes(word);
    let (quote, backslash) = (word ^ (ONES * b'"' as u64), word ^ (ONES * b'\\' as u64));
    let special = (quote.wrapping_sub(ONES) & !quote)
        | (backslash.wrapping_sub(ONES) & !backslash)
        | (word.wrapping_sub(ONES * 0x20) & !word);
    (special & HIGHEST).trailing_zeros() as usize / WORD
}

/// How many bytes at the start of `text`, which is in the middle of a string, are ordinary or of
/// the escapes `\r` and `\n`. The caller judges what comes then. 0 if there is less than a block.
///
/// If the last of these bytes is a backslash, then the next one is an `r` or an `n`, and harmless
/// as the first byte of what comes then.
fn plain(level: Level, text: &[u8]) -> usize {
    dispatch!(level, simd => plain_blocks(simd, text))
}

#[inline(always)]
fn plain_blocks<S: Simd>(simd: S, text: &[u8]) -> usize {
    // The byte after a block is looked at, too.
    let Some(last) = text.len().checked_sub(BLOCK + 1) else { return 0 };
    let mut at = 0;
    while at <= last {
        let stops = stops(simd, &text[at..]);
        if stops.any_true() {
            return at + stops.to_bitmask().trailing_zeros() as usize;
        }
        at += BLOCK;
    }
    // The last block overlaps the one before, so that it ends where the text does.
    let ahead = u64::MAX.unbounded_shl((at - last) as u32);
    let stops = stops(simd, &text[last..]).to_bitmask() & ahead;
    last + stops.trailing_zeros() as usize
}

/// Where in the next block a string ends, is invalid, or has an escape other than `\r` and `\n`.
#[inline(always)]
fn stops<S: Simd>(simd: S, text: &[u8]) -> mask8x64<S> {
    let block = u8x64::from_slice(simd, &text[..BLOCK]);
    let next = u8x64::from_slice(simd, &text[1..=BLOCK]);
    // A quote is 0x22, and so becomes 0x20. Control characters stay below.
    let special = (block ^ 0x02).simd_le(0x20);
    let harmless = next.simd_eq(b'r') | next.simd_eq(b'n');
    special | (block.simd_eq(b'\\') & !harmless)
}

#[cfg(test)]
#[path = "scan_tests.rs"]
mod tests;
