//! Words of others that are printed.

/// The longest excerpt.
const LENGTH: usize = 200;

/// Text from the network, on one line, bounded, and without anything that a terminal would obey.
pub(crate) fn plain(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    let line = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    line.chars().filter(|c| !is_invisible(*c)).take(LENGTH).collect()
}

/// Marks that reorder or hide what stands beside them.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_obeys_is_left() {
        assert_eq!(plain(" a\u{1b}[2J\r\nb\t\u{202e}c "), "a [2J b c");
        assert_eq!(plain(&"x".repeat(1000)).len(), LENGTH);
    }
}
