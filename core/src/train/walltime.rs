//! Spans of time as people and Slurm write them.

use std::time::Duration;

/// Reads `90s`, `30m`, `1h30m`, `2d`, plain seconds, or Slurm's `HH:MM:SS` and `D-HH:MM:SS`.
pub fn parse(text: &str) -> Result<Duration, String> {
    let seconds = if text.contains(':') { clock(text) } else { units(text) };
    seconds
        .map(Duration::from_secs)
        .ok_or_else(|| "expected a time such as `90s`, `30m`, `1h30m`, `2d` or `HH:MM:SS`".to_owned())
}

fn units(text: &str) -> Option<u64> {
    if let Ok(seconds) = text.parse() {
        return Some(seconds);
    }
    let mut total = 0u64;
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: u64 = rest[..end].parse().ok()?;
        let unit = match rest.as_bytes()[end] {
            b's' => 1,
            b'm' => 60,
            b'h' => 3_600,
            b'd' => 86_400,
            _ => return None,
        };
        total = total.checked_add(number.checked_mul(unit)?)?;
        rest = &rest[end + 1..];
    }
    (!text.is_empty()).then_some(total)
}

fn clock(text: &str) -> Option<u64> {
    let (days, clock) = text.split_once('-').unwrap_or(("0", text));
    let parts: Vec<u64> = clock.split(':').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let [hours, minutes, seconds] = parts.try_into().ok()?;
    days.parse::<u64>()
        .ok()?
        .checked_mul(86_400)?
        .checked_add(hours.checked_mul(3_600)? + minutes * 60 + seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<u64>) {
        assert_eq!(parse(text).ok(), expected.map(Duration::from_secs), "{text}");
    }

    #[test]
    fn times_are_read_as_people_and_slurm_write_them() {
        check("90", Some(90));
        check("90s", Some(90));
        check("30m", Some(1_800));
        check("1h30m", Some(5_400));
        check("2d", Some(172_800));
        check("01:02:03", Some(3_723));
        check("1-00:00:10", Some(86_410));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "m", "3x", "1:2", "-5m", "3é", "1h 2m"] {
            check(text, None);
        }
    }
}
