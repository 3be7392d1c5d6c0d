/** The style sheet of HTML reports: system fonts, two colour schemes, tables that become cards on a phone. */
export const STYLE = `:root {
  color-scheme: light dark;
  --page: #ffffff; --ink: #1b1f24; --soft: #5b6570; --line: #d8dee4; --well: #f5f7f9;
  --good: #11703a; --bad: #b3261e; --open: #7a5200; --good-well: #e3f5e9; --bad-well: #fdeceb; --open-well: #fdf3dc;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14181d; --ink: #e6eaee; --soft: #9aa5b1; --line: #333b45; --well: #1d232a;
    --good: #6fd394; --bad: #ff9a92; --open: #f0c674; --good-well: #173323; --bad-well: #3d1f1d; --open-well: #3a2f17;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif; }
main { max-width: 62rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .5rem; }
h2 { font-size: 1.15rem; margin: 2.25rem 0 .75rem; padding-bottom: .25rem; border-bottom: 1px solid var(--line); }
p, ul, ol, dl, table, pre { margin: .75rem 0; }
ul, ol { padding-left: 1.4rem; }
li { margin: .25rem 0; }
.lead { font-size: 1.1rem; }
.badge { display: inline-block; font-size: .85rem; font-weight: 600; line-height: 1.4; padding: .1rem .6rem; border-radius: 1rem; vertical-align: .2em; white-space: nowrap; }
.badge.good { color: var(--good); background: var(--good-well); }
.badge.bad { color: var(--bad); background: var(--bad-well); }
.badge.open { color: var(--open); background: var(--open-well); }
.yes { color: var(--good); font-weight: 700; }
.no { color: var(--bad); font-weight: 700; }
code, pre { font: .9em/1.45 ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace; }
code { background: var(--well); border-radius: .25rem; padding: .1em .3em; overflow-wrap: anywhere; }
pre { background: var(--well); border: 1px solid var(--line); border-radius: .4rem; padding: .75rem 1rem; white-space: pre-wrap; overflow-wrap: anywhere; }
.added { color: var(--good); }
.removed { color: var(--bad); }
dl > div { display: grid; grid-template-columns: 11rem 1fr; gap: 0 1rem; padding: .25rem 0; }
dt { color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; font-size: .95rem; }
th, td { text-align: left; vertical-align: top; padding: .4rem 1.1rem .4rem 0; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
th { color: var(--soft); font-weight: 600; overflow-wrap: normal; white-space: nowrap; }
th.right, td.right { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
td:first-child { min-width: 6.5rem; }
@media screen and (max-width: 42rem) {
  dl > div { grid-template-columns: 1fr; padding: .4rem 0; }
  thead { display: none; }
  table, tbody, tr, td { display: block; }
  tr { border: 1px solid var(--line); border-radius: .4rem; padding: .4rem .75rem; margin: .6rem 0; }
  td, td.right { border: 0; padding: .15rem 0 .15rem 6.5rem; text-indent: -6.5rem; text-align: left; white-space: normal; }
  td::before { content: attr(data-name); color: var(--soft); display: inline-block; width: 6.5rem; text-indent: 0; }
  td:first-child { font-weight: 600; padding-left: 0; text-indent: 0; }
  td:first-child::before { content: none; }
  td:empty { display: none; }
}
@media print {
  :root { --page: #fff; --ink: #000; --soft: #444; --line: #bbb; --well: #f4f4f4; --good: #000; --bad: #000; --open: #000; --good-well: #fff; --bad-well: #fff; --open-well: #fff; }
  body { font-size: 10pt; }
  main { max-width: none; padding: 0; }
  .badge { border: 1px solid #000; }
  h2 { break-after: avoid; }
  tr, li, dl > div { break-inside: avoid; }
  thead { display: table-header-group; }
  @page { margin: 16mm; }
}
`;
