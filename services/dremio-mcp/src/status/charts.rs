//! The last hour as SVG. Colours are those of a light page; the style sheet gives them others on a
//! dark one, by their values here.

use std::time::Duration;

use plotters::coord::Shift;
use plotters::prelude::{
    AreaSeries, ChartBuilder, Circle, Color, DrawingArea, IntoDrawingArea, IntoFont, LineSeries,
    RGBColor, SVGBackend, TRANSPARENT,
};
use plotters::style::ShapeStyle;

use super::minutes::{MINUTES, MinuteView};

/// In the units of the drawing; the page scales it to its place.
const SIZE: (u32, u32) = (260, 120);

const AXIS: RGBColor = RGBColor(0x6b, 0x72, 0x80);
const GRID: RGBColor = RGBColor(0xe5, 0xe7, 0xeb);
const BLUE: RGBColor = RGBColor(0x25, 0x63, 0xeb);
const RED: RGBColor = RGBColor(0xdc, 0x26, 0x26);
const AMBER: RGBColor = RGBColor(0xb4, 0x53, 0x09);

/// The library writes it divided by 1.24.
const FONT_SIZE: u32 = 14;

/// Most labels that an axis has.
const LABELS_MAX: usize = 4;

/// Calls in each minute.
pub(super) fn calls(minutes: &[MinuteView]) -> String {
    counts(minutes.iter().map(|minute| minute.calls), BLUE)
}

/// Errors in each minute.
pub(super) fn errors(minutes: &[MinuteView]) -> String {
    counts(minutes.iter().map(|minute| minute.errors), RED)
}

/// How long calls took in each minute: half of them, and 95 % of them.
pub(super) fn latency(minutes: &[MinuteView]) -> String {
    let milliseconds = |took: Duration| took.as_secs_f64() * 1000.0;
    let half = minutes.iter().map(|minute| minute.took.map(|(half, _)| milliseconds(half)));
    let most = minutes.iter().map(|minute| minute.took.map(|(_, most)| milliseconds(most)));
    let lines = [(most.collect::<Vec<_>>(), AMBER), (half.collect(), BLUE)];
    lines_of(&lines, 0.0, &|value| spoken_milliseconds(value))
}

/// The age of the token at each minute.
pub(super) fn token_age(minutes: &[MinuteView]) -> String {
    let hours = |age: Duration| age.as_secs_f64() / 3600.0;
    let ages = minutes.iter().map(|minute| minute.token_age.map(hours)).collect();
    lines_of(&[(ages, BLUE)], 1.0, &|hours| format!("{hours:.1} h"))
}

/// Steps, because a count belongs to a whole minute.
fn counts(values: impl Iterator<Item = u32> + Clone, colour: RGBColor) -> String {
    let most = values.clone().max().unwrap_or_default();
    let steps = values.enumerate().flat_map(|(place, value)| {
        let (from, to) = (minute(place) - 1.0, minute(place));
        [(from, f64::from(value)), (to, f64::from(value))]
    });
    let label = |value: f64| {
        // A half of a call is none.
        if value.fract() == 0.0 { format!("{value:.0}") } else { String::new() }
    };
    drawn(f64::from(most), &label, |chart| {
        let area = AreaSeries::new(steps, 0.0, colour.mix(0.2)).border_style(colour);
        chart.draw_series(area).map(drop).ok()
    })
}

/// A line for each series, broken where there is no value, on an axis that goes up to `least` and
/// farther if need be.
fn lines_of(
    lines: &[(Vec<Option<f64>>, RGBColor)],
    least: f64,
    label: &dyn Fn(f64) -> String,
) -> String {
    let most = lines.iter().flat_map(|(values, _)| values.iter().flatten());
    let most = most.copied().fold(least, f64::max);
    drawn(most, label, |chart| {
        for (values, colour) in lines {
            let points: Vec<_> = values.iter().enumerate().collect();
            for run in points.split(|(_, value)| value.is_none()) {
                let run: Vec<_> = run
                    .iter()
                    .filter_map(|(place, value)| Some((minute(*place), (**value)?)))
                    .collect();
                match run.as_slice() {
                    [] => {}
                    [alone] => {
                        let dot = Circle::new(*alone, 2, colour.filled());
                        chart.draw_series([dot]).ok()?;
                    }
                    _ => {
                        let style = ShapeStyle::from(colour).stroke_width(2);
                        chart.draw_series(LineSeries::new(run, style)).ok()?;
                    }
                }
            }
        }
        Some(())
    })
}

/// Where the end of the minute at this place stands: the last one is now.
fn minute(place: usize) -> f64 {
    let ago = u32::try_from(MINUTES - 1 - place.min(MINUTES - 1)).unwrap_or_default();
    -f64::from(ago)
}

type Area<'d, 's> = DrawingArea<SVGBackend<'s>, Shift>;
type Chart<'d, 's> = plotters::chart::ChartContext<
    'd,
    SVGBackend<'s>,
    plotters::coord::cartesian::Cartesian2d<
        plotters::coord::types::RangedCoordf64,
        plotters::coord::types::RangedCoordf64,
    >,
>;

/// The axes for values up to `most`, and what `draw` adds. What cannot be drawn is left out:
/// drawing into a text does not fail.
fn drawn(
    most: f64,
    label: &dyn Fn(f64) -> String,
    draw: impl FnOnce(&mut Chart<'_, '_>) -> Option<()>,
) -> String {
    let mut svg = String::new();
    let area: Area<'_, '_> = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
    let _complete = axes_and(&area, most, label, draw);
    let _written = area.present();
    drop(area);
    // The library writes out values that are the default.
    svg.replace('\n', "").replace(" opacity=\"1\"", "").replace(" stroke-width=\"1\"", "")
}

fn axes_and<'d, 's>(
    area: &'d Area<'d, 's>,
    most: f64,
    label: &dyn Fn(f64) -> String,
    draw: impl FnOnce(&mut Chart<'d, 's>) -> Option<()>,
) -> Option<()> {
    let top = if most > 0.0 { most * 1.1 } else { 1.0 };
    let first = minute(0) - 1.0;
    let mut chart = ChartBuilder::on(area)
        .margin(4)
        .margin_top(8)
        .margin_right(14)
        .x_label_area_size(18)
        .y_label_area_size(46)
        .build_cartesian_2d(first..0.0, 0.0..top)
        .ok()?;
    let font = ("sans-serif", FONT_SIZE).into_font().color(&AXIS);
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GRID)
        .axis_style(GRID)
        .label_style(font)
        .x_labels(LABELS_MAX)
        .y_labels(LABELS_MAX)
        .x_label_formatter(&|minute| match minute.abs() {
            0.0 => "now".to_owned(),
            ago => format!("−{ago:.0} min"),
        })
        .y_label_formatter(&|value| label(*value))
        .draw()
        .ok()?;
    draw(&mut chart)
}

/// Milliseconds, or seconds where there are many.
pub(super) fn spoken_milliseconds(milliseconds: f64) -> String {
    if milliseconds >= 10_000.0 {
        format!("{:.0} s", milliseconds / 1000.0)
    } else if milliseconds >= 1000.0 {
        format!("{:.1} s", milliseconds / 1000.0)
    } else if milliseconds >= 10.0 || milliseconds == 0.0 {
        format!("{milliseconds:.0} ms")
    } else {
        format!("{milliseconds:.1} ms")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hour(calls: impl Fn(usize) -> u32) -> Vec<MinuteView> {
        let of = |place| {
            let calls = calls(place);
            let took = (calls > 0).then(|| (Duration::from_millis(40), Duration::from_secs(2)));
            MinuteView { calls, errors: calls / 10, took, token_age: None }
        };
        (0..MINUTES).map(of).collect()
    }

    #[test]
    fn each_chart_is_one_whole_drawing_of_a_few_kilobytes() {
        for minutes in [hour(|_| 0), hour(|place| if place == 7 { 1 } else { 0 }), hour(|_| 5_000)]
        {
            let drawings = [calls(&minutes), errors(&minutes), latency(&minutes)];
            for svg in drawings.into_iter().chain([token_age(&minutes)]) {
                assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>"), "{svg}");
                assert!(svg.len() < 6_000, "{}", svg.len());
                assert!(svg.contains(">now<"), "{svg}");
                for foreign in ["style=", "<script", "href", "NaN", "inf"] {
                    assert!(!svg.contains(foreign), "{foreign}: {svg}");
                }
            }
        }
    }

    #[test]
    fn a_line_breaks_where_there_were_no_calls() {
        let lines = |minutes: &[MinuteView]| {
            let svg = latency(minutes);
            let stroke = format!("stroke=\"#{:02X}{:02X}{:02X}\"", BLUE.0, BLUE.1, BLUE.2);
            (svg.matches(&stroke).count(), svg.matches("<circle").count())
        };
        assert_eq!(lines(&hour(|_| 1)), (1, 0));
        assert_eq!(lines(&hour(|place| u32::from(place != 30))), (2, 0));
        assert_eq!(lines(&hour(|place| u32::from(place == 30))), (0, 2), "a dot for each line");
        assert_eq!(lines(&hour(|_| 0)), (0, 0));
    }

    #[test]
    fn times_are_short() {
        for (milliseconds, expected) in [
            (0.0, "0 ms"),
            (0.25, "0.2 ms"),
            (9.96, "10.0 ms"),
            (50.0, "50 ms"),
            (1234.0, "1.2 s"),
            (300_000.0, "300 s"),
        ] {
            assert_eq!(spoken_milliseconds(milliseconds), expected);
        }
    }
}
