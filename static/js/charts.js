// Draws charts from data in the page: <canvas data-chart="id of a json_script" data-chart-kind="bar|line">.
// Colours come from the design tokens and follow the theme; the same numbers stand in a table beside each chart.
const drawn = new Map();

const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function options(data) {
  const text = token("--text-2");
  const line = token("--line");
  return {
    responsive: true,
    maintainAspectRatio: false,
    animation: false,
    plugins: {
      legend: { display: false },
      tooltip: { callbacks: { label: (item) => data.shown[item.dataIndex] } },
    },
    scales: {
      x: { grid: { display: false }, ticks: { color: text }, border: { color: line } },
      y: {
        beginAtZero: true,
        grid: { color: line },
        border: { display: false },
        ticks: { color: text, precision: 0, maxTicksLimit: 5, callback: short },
      },
    },
  };
}

function short(value) {
  const language = document.documentElement.lang || "id";
  return new Intl.NumberFormat(language, { notation: "compact", maximumFractionDigits: 1 }).format(value);
}

function draw(canvas) {
  const source = document.getElementById(canvas.dataset.chart);
  if (!source || !window.Chart) return;
  const data = JSON.parse(source.textContent);
  drawn.get(canvas)?.destroy();
  window.Chart.defaults.font.family = token("--font") || "sans-serif";
  const isLine = canvas.dataset.chartKind === "line";
  const chart = new window.Chart(canvas, {
    type: isLine ? "line" : "bar",
    data: {
      labels: data.labels,
      datasets: [
        {
          label: data.title,
          data: data.values,
          backgroundColor: isLine ? token("--primary-soft") : token("--primary"),
          borderColor: token("--primary"),
          borderWidth: isLine ? 2 : 0,
          borderRadius: 4,
          fill: isLine,
          tension: 0.25,
          pointRadius: 4,
          pointBackgroundColor: token("--primary"),
        },
      ],
    },
    options: options(data),
  });
  drawn.set(canvas, chart);
}

function drawAll() {
  for (const canvas of document.querySelectorAll("canvas[data-chart]")) draw(canvas);
}

drawAll();
new MutationObserver(drawAll).observe(document.documentElement, { attributeFilter: ["data-bs-theme", "data-theme"] });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
