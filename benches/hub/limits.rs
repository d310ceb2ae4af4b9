//! The least that each part of a question can cost: the same work on bare memory.

use std::collections::HashMap;
use std::hint::black_box;
use std::time::Duration;

use aho_corasick::AhoCorasick;
use criterion::{BatchSize, Criterion, SamplingMode};
use quarterdeck::domain::flow::FlowInstance;

use super::{NEEDLE, WINDOW};

/// Measures them on these instances.
pub(super) fn bench(criterion: &mut Criterion, instances: &[FlowInstance]) {
    let mut group = criterion.benchmark_group("limits");
    group.sampling_mode(SamplingMode::Flat).sample_size(50).measurement_time(Duration::from_secs(2));

    let text: Vec<u8> = instances.iter().flat_map(|flow| flow.id.instance.bytes().chain([b'\n'])).collect();
    let exact = memchr::memmem::Finder::new(NEEDLE);
    group.bench_function("substring", |bencher| bencher.iter(|| exact.find_iter(black_box(&text)).count()));
    if let Ok(folded) = AhoCorasick::builder().ascii_case_insensitive(true).build([NEEDLE]) {
        group.bench_function("substring-any-case", |bencher| {
            bencher.iter(|| folded.find_iter(black_box(&text)).count());
        });
    }

    let state: Vec<u8> = instances.iter().map(|flow| flow.status as u8).collect();
    group.bench_function("filter", |bencher| {
        bencher.iter(|| {
            let bits: Vec<u64> = black_box(&state)
                .chunks(64)
                .map(|chunk| chunk.iter().fold(0, |word, state| word << 1 | u64::from(*state == 3)))
                .collect();
            bits
        });
    });

    let mut places = HashMap::new();
    let place: Vec<usize> = instances
        .iter()
        .map(|flow| {
            let next = places.len();
            *places.entry((flow.flow.clone(), flow.step.clone())).or_insert(next)
        })
        .collect();
    group.bench_function("group", |bencher| {
        bencher.iter(|| {
            let mut counts = vec![0_u32; places.len() * 16];
            for (place, state) in black_box(&place).iter().zip(&state) {
                if let Some(count) = counts.get_mut(*place * 16 + usize::from(*state)) {
                    *count += 1;
                }
            }
            counts
        });
    });

    let created: Vec<(u64, u32)> = (0..)
        .zip(instances)
        .map(|(slot, flow)| (flow.created_at.map_or(0, |at| at.as_millisecond().cast_unsigned()), slot))
        .collect();
    group.bench_function("first-window", |bencher| {
        bencher.iter_batched_ref(
            || created.clone(),
            |keys| {
                keys.select_nth_unstable(WINDOW);
                keys.get_mut(..WINDOW).map(<[_]>::sort_unstable);
            },
            BatchSize::LargeInput,
        );
    });
    group.finish();
}
