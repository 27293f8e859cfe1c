#include "campaign/report/report_svg.h"

#include <math.h>

enum { WIDTH = 860, HEIGHT = 320, LEFT = 60, RIGHT = 130, TOP = 34, BOTTOM = 44, TICKS = 5 };

// Colours that stay apart for people who see colours differently (Okabe and Ito).
static const char *const COLOURS[] = {"#000000", "#0072b2", "#d55e00", "#009e73",
                                      "#cc79a7", "#e69f00", "#56b4e9"};

typedef struct Frame {
    double x0, x1, y0, y1;
} Frame;

static Frame frame_of(const SvgChart *c)
{
    Frame f = {INFINITY, -INFINITY, INFINITY, -INFINITY};

    for (int l = 0; l < c->lines; l++)
        for (int64_t i = 0; i < c->line[l].count; i++) {
            f.x0 = fmin(f.x0, c->line[l].x[i]);
            f.x1 = fmax(f.x1, c->line[l].x[i]);
            f.y0 = fmin(f.y0, c->line[l].y[i]);
            f.y1 = fmax(f.y1, c->line[l].y[i]);
        }
    if (c->y_min < c->y_max) {
        f.y0 = c->y_min;
        f.y1 = c->y_max;
    }
    if (!(f.x1 > f.x0))
        f.x1 = f.x0 + 1;
    if (!(f.y1 > f.y0))
        f.y1 = f.y0 + 1;
    return f;
}

static double place_x(const Frame *f, double x)
{
    return LEFT + (x - f->x0) / (f->x1 - f->x0) * (WIDTH - LEFT - RIGHT);
}

static double place_y(const Frame *f, double y)
{
    return HEIGHT - BOTTOM - (y - f->y0) / (f->y1 - f->y0) * (HEIGHT - TOP - BOTTOM);
}

static void draw_axes(Text *t, const SvgChart *c, const Frame *f)
{
    for (int i = 0; i <= TICKS; i++) {
        double y = f->y0 + (f->y1 - f->y0) * i / TICKS, x = f->x0 + (f->x1 - f->x0) * i / TICKS;

        text_printf(t,
                    "<line x1='%d' x2='%d' y1='%.1f' y2='%.1f' class='grid'/>"
                    "<text x='%d' y='%.1f' class='tick' text-anchor='end'>%.4g</text>"
                    "<text x='%.1f' y='%d' class='tick' text-anchor='middle'>%.4g</text>\n",
                    LEFT, WIDTH - RIGHT, place_y(f, y), place_y(f, y), LEFT - 6, place_y(f, y) + 4,
                    y, place_x(f, x), HEIGHT - BOTTOM + 16, x);
    }
    text_printf(t,
                "<text x='%d' y='20' class='title'>%s</text>"
                "<text x='%d' y='%d' class='tick' text-anchor='middle'>%s</text>"
                "<text x='14' y='%d' class='tick' transform='rotate(-90 14 %d)' "
                "text-anchor='middle'>%s</text>\n",
                LEFT, c->title, (WIDTH - RIGHT + LEFT) / 2, HEIGHT - 8, c->x_label, HEIGHT / 2,
                HEIGHT / 2, c->y_label);
}

static void draw_line(Text *t, const SvgLine *line, const Frame *f, int number)
{
    const char *colour = COLOURS[number % (int)(sizeof COLOURS / sizeof COLOURS[0])];

    text_printf(t, "<polyline fill='none' stroke='%s' stroke-width='%s' points='", colour,
                number == 0 ? "2.5" : "1.5");
    for (int64_t i = 0; i < line->count; i++)
        text_printf(t, "%.1f,%.1f ", place_x(f, line->x[i]), place_y(f, line->y[i]));
    text_printf(t, "'/><text x='%d' y='%d' fill='%s' class='key'>%s</text>\n", WIDTH - RIGHT + 12,
                TOP + 12 + 18 * number, colour, line->name);
}

void svg_chart(Text *t, const SvgChart *c)
{
    Frame f = frame_of(c);

    text_printf(t, "<svg viewBox='0 0 %d %d' role='img' aria-label='%s'>\n", WIDTH, HEIGHT,
                c->title);
    if (!isfinite(f.x0) || !isfinite(f.y0)) {
        text_printf(t, "<text x='%d' y='20' class='title'>%s: nothing yet</text></svg>\n", LEFT,
                    c->title);
        return;
    }
    draw_axes(t, c, &f);
    for (int l = 0; l < c->lines; l++)
        draw_line(t, &c->line[l], &f, l);
    text_puts(t, "</svg>\n");
}
