//! Numbers, settings and exits as text and tables.

use epee::calibration::from_full_depth;
use epee::exit::{Choice, Difference, Grid, Metric, Policy, PolicyKind, Scoring, SweepRow, Trace, per_exit};

use super::table;

/// A number with some decimals; a dash if it is not a number.
pub(crate) fn decimal(value: f64, decimals: usize) -> String {
    if value.is_nan() { "–".to_owned() } else { format!("{value:.decimals$}") }
}

pub(crate) fn p_text(p: f64) -> String {
    if p < 0.0005 { "< 0.001".to_owned() } else { decimal(p, 3) }
}

/// A setting minus full depth on the same samples, with its paired interval and McNemar's p.
pub(crate) fn difference_line(metric: Metric, difference: &Difference) -> String {
    let Difference { value, interval, mcnemar } = difference;
    if value.is_nan() {
        return "no sample has a label to compare by".to_owned();
    }
    let side = if *value < 0.0 { "below" } else { "above" };
    format!(
        "{} {:.4} {side} full depth, 95 % interval {:+.4} to {:+.4} on the same samples (bootstrap); McNemar p {}",
        heading(metric),
        value.abs(),
        interval.low,
        interval.high,
        p_text(*mcnemar),
    )
}

/// The name of a metric in a table's header.
pub(crate) fn heading(metric: Metric) -> &'static str {
    match metric {
        Metric::MacroF1 => "macro-F1",
        Metric::MicroF1 => "micro-F1",
        Metric::Accuracy => "accuracy",
    }
}

/// Budgeted mode: each exit alone, with its accuracy, macro-F1 and mean entropy.
pub(crate) fn exit_table(trace: &Trace) -> String {
    let rows = per_exit(trace).into_iter().map(|exit| {
        vec![exit.exit.to_string(), decimal(exit.accuracy, 3), decimal(exit.macro_f1, 3), decimal(exit.entropy, 3)]
    });
    table(["exit", "accuracy", "macro-F1", "mean entropy"], rows)
}

pub(crate) fn setting_table(rows: &[SweepRow], metric: Metric) -> String {
    let micro = metric == Metric::MicroF1;
    let mut header: Vec<String> = ["setting", "accuracy", "macro-F1"].map(String::from).to_vec();
    header.extend(micro.then(|| "micro-F1".to_owned()));
    header.extend(["saving", "ratio"].map(String::from));
    let rows = rows.iter().map(|row| {
        let mut cells = vec![row.policy.to_string(), decimal(row.accuracy, 3), decimal(row.macro_f1, 3)];
        cells.extend(micro.then(|| decimal(row.micro_f1, 3)));
        cells.extend([decimal(row.saving, 3), decimal(row.ratio, 2)]);
        cells
    });
    table(header, rows)
}

/// The chosen setting above full depth on the trace that chose it, and the difference between them.
pub(crate) fn choice_text(choice: &Choice, trace: &Trace, scoring: &Scoring) -> anyhow::Result<String> {
    if !choice.met {
        return Ok(setting_table(std::slice::from_ref(&choice.full), choice.metric));
    }
    let table = setting_table(&[choice.row.clone(), choice.full.clone()], choice.metric);
    let difference = from_full_depth(trace, &choice.policy, choice.metric, scoring)?;
    Ok(format!("{table}\n{}", difference_line(choice.metric, &difference)))
}

/// The EPEE part of a sweep as two tables, thresholds down and patiences across: the metric if the trace has labels,
/// then the saving.
pub(crate) fn grid_tables(rows: &[SweepRow], grid: &Grid, metric: Metric) -> String {
    let labelled = rows.iter().any(|row| !row.get(metric).is_nan());
    let titled = |name: &str, table: String| format!("{name} by threshold (down) and patience (across)\n{table}");
    let values = titled(heading(metric), grid_table(rows, grid, |row| decimal(row.get(metric), 3)));
    let savings = titled("saving", grid_table(rows, grid, |row| decimal(row.saving, 3)));
    if labelled { format!("{values}\n\n{savings}") } else { savings }
}

/// One value of each EPEE setting, thresholds down and patiences across.
fn grid_table(rows: &[SweepRow], grid: &Grid, cell: impl Fn(&SweepRow) -> String) -> String {
    let patiences = grid.patiences();
    let header: Vec<String> = std::iter::once("τ \\ P_t".to_owned()).chain(patiences.iter().map(or_never)).collect();
    let thresholds = grid.thresholds_of(PolicyKind::Epee);
    let lines = thresholds.iter().map(|&threshold| {
        let cells = patiences.iter().map(|&patience| {
            let wanted = Policy::epee(threshold, patience);
            rows.iter().find(|row| row.policy == wanted).map_or_else(String::new, &cell)
        });
        std::iter::once(or_never(&threshold)).chain(cells).collect()
    });
    table(header, lines)
}

fn or_never(part: &Option<impl ToString>) -> String {
    part.as_ref().map_or_else(|| "never".to_owned(), ToString::to_string)
}

#[cfg(test)]
mod tests {
    use epee::exit::{Goal, TraceParts, choose_on, sweep};

    use super::*;

    fn trace(labels: Vec<i64>) -> Trace {
        // Exit 1 says class 1 for both samples, exits 2 and 3 tell them apart.
        let logits = vec![0.0, 1.0, 3.0, 0.0, 5.0, 0.0, 0.0, 1.0, 0.0, 3.0, 0.0, 5.0];
        Trace::new(TraceParts { exits: 3, classes: 2, logits, labels, ..TraceParts::default() }).unwrap()
    }

    fn cells(line: &str) -> Vec<&str> {
        line.split_whitespace().collect()
    }

    #[test]
    fn each_exit_has_its_line() {
        let text = exit_table(&trace(vec![0, 1]));
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(cells(lines[0]), ["exit", "accuracy", "macro-F1", "mean", "entropy"]);
        assert_eq!(cells(lines[2])[..3], ["1", "0.500", "0.333"]);
        assert_eq!(lines.len(), 5, "a line for the header, one below it, one for each exit");
        assert!(text.lines().any(|line| cells(line)[..] == ["3", "1.000", "1.000", "0.058"]), "{text}");
        let unknown = exit_table(&trace(vec![-1, -1]));
        assert!(unknown.lines().any(|line| line.contains('–')), "{unknown}");
    }

    #[test]
    fn the_grid_has_thresholds_down_and_patiences_across() {
        let trace = trace(vec![0, 1]);
        let grid = Grid {
            thresholds: Some(vec![Some(0.0), Some(0.3)]),
            patiences: Some(vec![Some(1), Some(2), None]),
            ..Grid::standard(3, 2)
        };
        let rows = sweep(&trace, &grid).unwrap();
        let saving = grid_table(&rows, &grid, |row| decimal(row.saving, 2));
        let find = |first: &str| {
            let line = saving.lines().map(cells).find(|cells| cells.first() == Some(&first));
            line.unwrap_or_else(|| panic!("{saving}"))
        };
        assert_eq!(find("τ"), ["τ", "\\", "P_t", "1", "2", "never"]);
        // By patience 2 the second sample leaves at exit 2, the first at 3.
        assert_eq!(find("0"), ["0", "0.67", "0.17", "0.00"]);
        // Below 0.3 are the exits 2 and 3 of the first sample, and of the second.
        assert_eq!(find("0.3"), ["0.3", "0.67", "0.33", "0.33"]);
        assert!(grid_tables(&rows, &grid, Metric::Accuracy).starts_with("accuracy by threshold"));
        let unknown = sweep(&self::trace(vec![-1, -1]), &grid).unwrap();
        assert!(grid_tables(&unknown, &grid, Metric::Accuracy).starts_with("saving by threshold"));
    }

    #[test]
    fn a_choice_stands_above_full_depth() {
        // Exit 1 is correct already, and certain.
        let logits = vec![0.0, 9.0, 0.0, 9.0, 9.0, 0.0, 9.0, 0.0];
        let parts = TraceParts { exits: 2, classes: 2, logits, labels: vec![1, 0], ..TraceParts::default() };
        let (trace, scoring) = (Trace::new(parts).unwrap(), Scoring::default());
        let text = |goal| {
            let choice = choose_on(&trace, &Grid::standard(2, 2), &scoring, goal, Metric::MacroF1).unwrap();
            choice_text(&choice, &trace, &scoring).unwrap()
        };
        let met = text(Goal::MaxLoss(0.01));
        assert!(met.contains("macro-F1 0.0000 above full depth, 95 % interval +0.0000 to +0.0000"), "{met}");
        let out_of_reach = text(Goal::Saving(0.9));
        assert!(out_of_reach.contains("full ") && !out_of_reach.contains("full depth"), "{out_of_reach}");
    }

    #[test]
    fn settings_show_what_was_asked_for() {
        let trace = trace(vec![0, 1]);
        let grid = Grid { thresholds: Some(vec![Some(0.3)]), patiences: Some(vec![None]), ..Grid::standard(3, 2) };
        let rows = sweep(&trace, &grid).unwrap();
        let text = setting_table(&rows, Metric::MicroF1);
        assert!(text.contains("epee(threshold=0.3, patience=never)"), "{text}");
        assert!(text.contains("micro-F1") && text.contains("0.333") && text.contains("1.50"), "{text}");
        assert!(!setting_table(&rows, Metric::MacroF1).contains("micro-F1"));
    }
}
