//! The results as Markdown.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use crate::contender::Contender;
use crate::limits::Verdict;
use crate::measure::Sample;
use crate::scenario::{Scenario, Workload};

/// Where a sample belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Cell {
    /// The round trip that was put between.
    pub(crate) round_trip: Duration,
    /// What was done.
    pub(crate) scenario: Scenario,
    /// By whom.
    pub(crate) contender: Contender,
}

/// Everything that was measured in contests, and what failed.
#[derive(Debug, Default)]
pub(crate) struct Results {
    samples: BTreeMap<Cell, Vec<Sample>>,
    failures: BTreeMap<Cell, String>,
}

impl Results {
    /// Adds one run.
    pub(crate) fn record(&mut self, cell: Cell, outcome: anyhow::Result<Sample>) {
        match outcome {
            Ok(sample) => self.samples.entry(cell).or_default().push(sample),
            Err(error) => {
                self.failures.insert(cell, format!("{error:#}"));
            }
        }
    }

    /// Whether a run failed.
    pub(crate) fn has_failures(&self) -> bool {
        !self.failures.is_empty()
    }

    /// The largest resident set of a contender in a scenario, over all round trips.
    pub(crate) fn peak_memory_kib(&self, scenario: Scenario, contender: Contender) -> Option<u64> {
        self.samples
            .iter()
            .filter(|(cell, _)| cell.scenario == scenario && cell.contender == contender)
            .flat_map(|(_, samples)| samples)
            .map(|sample| sample.peak_memory_kib)
            .max()
    }

    /// One table per round trip, and the list of failures.
    pub(crate) fn to_markdown(&self, workload: Workload) -> String {
        let mut text = String::new();
        let mut round_trips: Vec<Duration> =
            self.samples.keys().chain(self.failures.keys()).map(|cell| cell.round_trip).collect();
        round_trips.sort_unstable();
        round_trips.dedup();
        for round_trip in round_trips {
            line(&mut text, &format!("### {} ms round trip\n", round_trip.as_millis()));
            line(&mut text, HEADER);
            for scenario in Scenario::ALL {
                self.put_scenario(&mut text, round_trip, scenario, workload);
            }
            line(&mut text, "");
        }
        for (cell, failure) in &self.failures {
            let Cell { round_trip, scenario, contender } = cell;
            line(
                &mut text,
                &format!(
                    "- failed: {}, {}, {} ms: {failure}",
                    contender.name(),
                    scenario.name(workload),
                    round_trip.as_millis()
                ),
            );
        }
        text
    }

    fn put_scenario(
        &self,
        text: &mut String,
        round_trip: Duration,
        scenario: Scenario,
        workload: Workload,
    ) {
        let seconds = |contender| {
            let samples = self.samples.get(&Cell { round_trip, scenario, contender })?;
            median(samples, |sample| sample.elapsed.as_secs_f64())
        };
        let yardstick = seconds(Contender::Mbsync);
        for contender in [Contender::ThisProgram, Contender::Mbsync, Contender::OfflineImap] {
            let cell = Cell { round_trip, scenario, contender };
            let name = format!("| {} | {} |", scenario.name(workload), contender.name());
            if let Some(samples) = self.samples.get(&cell) {
                line(text, &format!("{name}{}", columns(samples, yardstick)));
            } else if self.failures.contains_key(&cell) {
                line(text, &format!("{name} failed | | | | | | |"));
            }
        }
    }
}

/// A table of limits, with what was measured.
pub(crate) fn limits_to_markdown(verdicts: &[Verdict]) -> String {
    let mut text = String::new();
    line(&mut text, "| this program alone | seconds | CPU seconds | peak memory | limit | |");
    line(&mut text, "|---|--:|--:|--:|--:|---|");
    for (limit, outcome) in verdicts {
        let allowed = mebibytes(limit.peak_memory_kib);
        match outcome {
            Ok(sample) => {
                let verdict = if sample.peak_memory_kib <= limit.peak_memory_kib {
                    "kept"
                } else {
                    "**exceeded**"
                };
                line(
                    &mut text,
                    &format!(
                        "| {} | {:.2} | {:.2} | {} | {allowed} | {verdict} |",
                        limit.name,
                        sample.elapsed.as_secs_f64(),
                        sample.cpu.as_secs_f64(),
                        mebibytes(sample.peak_memory_kib),
                    ),
                );
            }
            Err(error) => {
                line(
                    &mut text,
                    &format!("| {} | | | | {allowed} | failed: {error:#} |", limit.name),
                );
            }
        }
    }
    text
}

const HEADER: &str = "| scenario | program | seconds | of mbsync | CPU seconds | round trips \
                      | to server | to client | peak memory |\n\
                      |---|---|--:|--:|--:|--:|--:|--:|--:|";

/// The columns behind the names: medians, and the maximum of the memory.
fn columns(samples: &[Sample], yardstick_seconds: Option<f64>) -> String {
    let of = |value: fn(&Sample) -> f64| median(samples, value).unwrap_or(f64::NAN);
    let seconds = of(|sample| sample.elapsed.as_secs_f64());
    let ratio = yardstick_seconds
        .map_or_else(|| "–".to_owned(), |yardstick| format!("{:.2}", seconds / yardstick));
    let memory = samples.iter().map(|sample| sample.peak_memory_kib).max().unwrap_or(0);
    format!(
        " {seconds:.2} | {ratio} | {:.2} | {:.0} | {} | {} | {} |",
        of(|sample| sample.cpu.as_secs_f64()),
        of(|sample| count(sample.traffic.round_trips)),
        bytes(of(|sample| count(sample.traffic.to_server_bytes))),
        bytes(of(|sample| count(sample.traffic.to_client_bytes))),
        mebibytes(memory),
    )
}

/// The middle value, or the mean of the two in the middle.
fn median(samples: &[Sample], value: impl Fn(&Sample) -> f64) -> Option<f64> {
    let mut values: Vec<f64> = samples.iter().map(value).collect();
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    if values.len().is_multiple_of(2) {
        let lower = *values.get((values.len() / 2).checked_sub(1)?)?;
        return Some(f64::midpoint(lower, upper));
    }
    Some(upper)
}

#[expect(clippy::cast_precision_loss, reason = "counts of bytes are far below 2^52")]
fn count(number: u64) -> f64 {
    number as f64
}

fn bytes(number: f64) -> String {
    if number < 1e6 { format!("{:.1} kB", number / 1e3) } else { format!("{:.1} MB", number / 1e6) }
}

fn mebibytes(kib: u64) -> String {
    format!("{:.1} MiB", count(kib) / 1024.0)
}

fn line(text: &mut String, line: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::anyhow;
    use offlineimap_testkit::proxy::Traffic;

    #[test]
    fn medians_are_compared_with_those_of_mbsync() {
        let mut results = Results::default();
        for milliseconds in [900, 100, 200] {
            results.record(cell(Contender::ThisProgram), Ok(sample(milliseconds)));
        }
        for milliseconds in [300, 500] {
            results.record(cell(Contender::Mbsync), Ok(sample(milliseconds)));
        }
        results.record(cell(Contender::OfflineImap), Err(anyhow!("exit status 1")));
        let text = results.to_markdown(Workload { messages: 10_000, size_bytes: 8_192 });
        let rows: Vec<&str> = text.lines().filter(|line| line.contains("first sync")).collect();
        assert_eq!(
            rows,
            [
                "| first sync of 10000 | this program | 0.20 | 0.50 | 0.01 | 3 | 0.5 kB | 80.0 MB \
                 | 20.0 MiB |",
                "| first sync of 10000 | mbsync | 0.40 | 1.00 | 0.01 | 3 | 0.5 kB | 80.0 MB \
                 | 20.0 MiB |",
                "| first sync of 10000 | OfflineIMAP | failed | | | | | | |",
                "- failed: OfflineIMAP, first sync of 10000, 40 ms: exit status 1",
            ]
        );
        assert!(results.has_failures());
    }

    #[test]
    fn a_median_of_nothing_is_nothing() {
        assert_eq!(median(&[], |sample| sample.elapsed.as_secs_f64()), None);
    }

    fn cell(contender: Contender) -> Cell {
        Cell { round_trip: Duration::from_millis(40), scenario: Scenario::FirstSync, contender }
    }

    fn sample(milliseconds: u64) -> Sample {
        Sample {
            elapsed: Duration::from_millis(milliseconds),
            cpu: Duration::from_millis(10),
            peak_memory_kib: 20 * 1024,
            traffic: Traffic {
                connections: 1,
                to_server_bytes: 500,
                to_client_bytes: 80_000_000,
                round_trips: 3,
            },
        }
    }
}
