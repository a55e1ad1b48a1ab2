//! What becomes of files on disks that fail: bits flip, sectors come back empty, or as another's.

use crate::grid::Random;

/// Bytes of a sector and of a page.
const SECTOR: usize = 512;
const PAGE: usize = 4096;

/// Damages the content of a file in one of these ways, and says how.
pub fn damage(content: &mut Vec<u8>, random: &mut Random) -> String {
    let length = content.len();
    if length == 0 {
        return "an empty file".to_owned();
    }
    let at = below(random, length);
    match random.below(10) {
        0 | 1 => {
            content[at] ^= 1 << random.below(8);
            format!("a bit of byte {at} is flipped")
        }
        2 => {
            content[at] = content[at].wrapping_add(1 + u8::try_from(random.below(255)).unwrap_or(0));
            format!("byte {at} is another")
        }
        3 => {
            let places: Vec<usize> = (0..8).map(|_| below(random, length)).collect();
            for place in &places {
                content[*place] ^= 1 << random.below(8);
            }
            format!("bits are flipped at {places:?}")
        }
        4 => {
            fill(content, at / SECTOR * SECTOR, SECTOR, |_| 0);
            format!("the sector of byte {at} is empty")
        }
        5 => {
            fill(content, at / SECTOR * SECTOR, SECTOR, |_| u8::try_from(random.below(256)).unwrap_or(0));
            format!("the sector of byte {at} is noise")
        }
        6 => {
            fill(content, at / PAGE * PAGE, PAGE, |_| 0);
            format!("the page of byte {at} is empty")
        }
        7 => {
            content.truncate(at);
            format!("all beyond byte {at} is gone")
        }
        kind => {
            let (one, other) = (at / PAGE * PAGE, below(random, length) / PAGE * PAGE);
            let last = length.saturating_sub(PAGE) / PAGE * PAGE;
            let (one, other) = (one.min(last), other.min(last));
            for byte in 0..PAGE.min(length - one.max(other)) {
                if kind == 8 {
                    content.swap(one + byte, other + byte);
                } else {
                    content[other + byte] = content[one + byte];
                }
            }
            let how = if kind == 8 { "changes places with" } else { "is also in the place of" };
            format!("page {one} {how} {other}")
        }
    }
}

fn below(random: &mut Random, bound: usize) -> usize {
    usize::try_from(random.below(bound as u64)).unwrap_or(0)
}

fn fill(content: &mut [u8], from: usize, length: usize, mut byte: impl FnMut(usize) -> u8) {
    let end = (from + length).min(content.len());
    for (place, value) in content.iter_mut().enumerate().take(end).skip(from) {
        *value = byte(place);
    }
}
