//! What was measured, as the figures that the goals speak of. Criterion leaves its samples in files.

use std::path::Path;

use serde_json::Value;

use super::Failure;

/// Bytes of memory that the program has.
pub(super) fn resident() -> Result<u64, Failure> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse::<u64>()? * 1_024)
}

/// Tells what an instance takes.
pub(super) fn resident_per_instance(bytes: u64) {
    println!("resident per instance, source and hub: {bytes} B");
}

/// The samples of one measurement in milliseconds, in order.
fn samples(name: &str) -> Result<Vec<f64>, Failure> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/criterion");
    let text = std::fs::read_to_string(folder.join(name).join("new/sample.json"))
        .map_err(|error| format!("{name} was not measured: {error}"))?;
    let told: Value = serde_json::from_str(&text)?;
    let column =
        |name: &str| -> Vec<f64> { told[name].as_array().into_iter().flatten().filter_map(Value::as_f64).collect() };
    let mut took: Vec<f64> = column("times").iter().zip(column("iters")).map(|(time, n)| time / n / 1e6).collect();
    took.sort_by(f64::total_cmp);
    Ok(took)
}

fn at(samples: &[f64], percent: usize) -> f64 {
    samples.get((samples.len().saturating_sub(1) * percent + 50) / 100).copied().unwrap_or(f64::NAN)
}

fn median(name: &str) -> Result<f64, Failure> {
    Ok(at(&samples(name)?, 50))
}

/// Tells how questions stand to what memory allows.
pub(super) fn of_windows() -> Result<(), Failure> {
    let [filter, group, window, exact, any_case] =
        ["filter", "group", "first-window", "substring", "substring-any-case"]
            .map(|name| median(&format!("limits/{name}")));
    let (filter, group, window, exact, any_case) = (filter?, group?, window?, exact?, any_case?);
    println!(
        "limits: substring {exact:.1} ms, letters' case aside {any_case:.1} ms, filter {filter:.1}, group {group:.1}, first {window:.1}"
    );
    let rows = [
        ("by-word", any_case + window),
        ("by-state", filter + window),
        ("by-word-grouped", any_case + group + window),
        ("by-state-grouped", filter + group + window),
    ];
    for (name, limit) in rows {
        let took = samples(&format!("hub/{name}"))?;
        let (half, most) = (at(&took, 50), at(&took, 99));
        println!(
            "{name}: p50 {half:.2} ms, {:.2} × its limits of {limit:.2} ms (goal 2 ×); p99 {:.2} × p50 (goal 3 ×)",
            half / limit,
            most / half,
        );
    }
    let (again, first) = (median("hub/again")?, median("hub/by-word")?);
    println!("by-word, again: {:.1} µs, 1/{:.0} of the first time", again * 1e3, first / again);
    let (kept, anew) = (median("hub/board")?, median("hub/board-counted-anew")?);
    println!("board from counts that are kept: 1/{:.0} of counting anew (goal 1/100)", anew / kept);
    Ok(())
}
