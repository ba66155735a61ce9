"""Plots as geometry: where bars, ticks and labels stand. The page's template draws them as inline SVG.

Inline SVG and no plotting library: text stays text in any script and colours follow light and dark, in some tens of
kilobytes, and the server needs no Korean font.
"""

from __future__ import annotations

from heatsvc.annotation.report.plots.class_plot import ClassPlot, class_plot
from heatsvc.annotation.report.plots.frame_plot import FramePlot, frame_plot
from heatsvc.annotation.report.plots.score_plot import ScorePlot, score_plot

__all__ = ["ClassPlot", "FramePlot", "ScorePlot", "class_plot", "frame_plot", "score_plot"]
