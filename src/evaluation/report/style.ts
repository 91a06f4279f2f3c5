/**
 * How a report looks. Text has a contrast of 4.5 to its background, lines and dots of 3, in either scheme (WCAG 2.2 AA).
 * The five colours of series are told apart with any kind of colour vision: Okabe and Ito (2008), darkened for white and lightened for black.
 */
export const style = `
:root {
  color-scheme: light dark;
  --page: #ffffff; --card: #f5f6f8; --text: #1b1f24; --soft: #555d66; --line: #d5d9de; --right: #0072b2; --wrong: #c85200;
  --good: #00704f; --warning: #a34200; --note: #4a5560;
  --s0: #0072b2; --s1: #c85200; --s2: #00845f; --s3: #a3488a; --s4: #4d4d4d;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #15181c; --card: #1e2227; --text: #e7eaee; --soft: #a7b0ba; --line: #3a4149; --right: #56b4e9; --wrong: #f08a3c;
    --good: #4fd0a0; --warning: #ffa25e; --note: #a7b0ba;
    --s0: #56b4e9; --s1: #f5923e; --s2: #2fc89a; --s3: #e79ac6; --s4: #d0d0d0;
  }
}
* { box-sizing: border-box; }
html { scroll-behavior: smooth; -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--page); color: var(--text); font: 16px/1.5 system-ui, "Segoe UI", Roboto, "Liberation Sans", sans-serif; overflow-wrap: anywhere; }
body > * { max-width: 68rem; margin-inline: auto; padding-inline: 1.25rem; }
header { padding-top: 2.5rem; }
h1 { margin: 0; font-size: clamp(1.5rem, 4vw, 2.1rem); line-height: 1.2; }
h1 span, header p, footer { color: var(--soft); }
header p { margin: .4rem 0; }
header .note { color: var(--text); max-width: 48rem; }
h2 { margin: 0 0 .9rem; font-size: 1.3rem; line-height: 1.3; }
h3 { margin: 0 0 .4rem; font-size: 1rem; }
nav { margin-block: 1.2rem 0; }
nav ul { display: flex; flex-wrap: wrap; gap: .2rem 1.1rem; margin: 0; padding: .6rem 0; border-block: 1px solid var(--line); list-style: none; }
a { color: var(--right); text-underline-offset: .2em; }
section { margin-top: 2.6rem; }
section > * + * { margin-top: 1.1rem; }
.tags { display: flex; flex-wrap: wrap; gap: .4rem; margin: .6rem 0 0; padding: 0; list-style: none; }
.tags li { padding: .05rem .6rem; border: 1px solid var(--line); border-radius: 1rem; font-size: .85rem; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(9.5rem, 100%), 1fr)); gap: .8rem; margin: 0; }
.tiles div { padding: .8rem 1rem; border-radius: .6rem; background: var(--card); }
.tiles dt { color: var(--soft); font-size: .85rem; }
.tiles dd { margin: 0; }
.tiles dd:nth-of-type(1) { font-size: 1.7rem; font-weight: 600; line-height: 1.3; font-variant-numeric: tabular-nums; }
.tiles dd:nth-of-type(2) { color: var(--soft); font-size: .85rem; font-variant-numeric: tabular-nums; }
.findings { margin-bottom: 0; padding: 0; list-style: none; }
.findings li { padding: .3rem 0 .3rem .9rem; border-left: .25rem solid var(--tone); }
.findings li + li { margin-top: .5rem; }
.findings strong { color: var(--tone); }
.good { --tone: var(--good); } .warning { --tone: var(--warning); } .plain { --tone: var(--note); }
.scroll { overflow-x: auto; max-width: 100%; }
.scroll:focus-visible { outline: 2px solid var(--right); outline-offset: 2px; }
table { min-width: min(26rem, 100%); border-collapse: collapse; font-size: .92rem; font-variant-numeric: tabular-nums; }
caption { padding-bottom: .5rem; color: var(--soft); font-size: .9rem; text-align: left; }
caption span { display: block; max-width: min(48rem, 100vw - 2.5rem); }
th, td { padding: .35rem .7rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; overflow-wrap: break-word; max-width: 20rem; }
thead th { color: var(--soft); font-weight: 600; vertical-align: bottom; }
tbody th { font-weight: 500; }
.n { text-align: right; white-space: nowrap; }
thead .n { white-space: normal; }
.over { text-align: center; }
.right { background: color-mix(in srgb, var(--right) calc(var(--amount) * 45%), transparent); }
.wrong { background: color-mix(in srgb, var(--wrong) calc(var(--amount) * 45%), transparent); }
.bar { display: grid; grid-template-columns: minmax(4rem, 14rem) 5.5rem; align-items: center; gap: .6rem; }
.bar i { height: .8rem; width: calc(var(--amount) * 100%); border-radius: .15rem; background: var(--s0); }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(24rem, 100%), 1fr)); gap: 1.6rem; }
figure { margin: 0; break-inside: avoid; }
svg { display: block; width: 100%; height: auto; }
svg text { fill: var(--soft); font-size: 12px; font-variant-numeric: tabular-nums; }
svg path { fill: none; stroke-width: 2; stroke-linejoin: round; }
.grid { stroke: var(--line); stroke-width: 1 !important; opacity: .7; }
.axis { stroke: var(--soft); stroke-width: 1 !important; }
.guide { stroke: var(--soft); stroke-width: 1.2 !important; stroke-dasharray: 1 4; stroke-linecap: round; }
.s0 { stroke: var(--s0); } .s1 { stroke: var(--s1); } .s2 { stroke: var(--s2); } .s3 { stroke: var(--s3); } .s4 { stroke: var(--s4); }
.dots { stroke-width: 7 !important; stroke-linecap: round; }
.faint { stroke-width: 5 !important; opacity: .55; }
svg .bars { fill: var(--s0); stroke: var(--page); stroke-width: 1; }
.legend { display: flex; flex-wrap: wrap; gap: .15rem 1rem; margin: .3rem 0 0; padding: 0; font-size: .87rem; list-style: none; }
.legend li { display: flex; align-items: center; gap: .45rem; }
.legend svg { flex: none; width: 2rem; height: .7rem; }
.pictures { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(8.5rem, 45%), 1fr)); gap: 1rem; }
.pictures img { display: block; width: 100%; aspect-ratio: 1; object-fit: contain; background: var(--card); image-rendering: pixelated; }
.pictures figcaption { margin-top: .3rem; font-size: .85rem; }
.pairs { display: grid; grid-template-columns: minmax(8rem, max-content) 1fr; gap: .35rem 1.4rem; margin: 0; }
.pairs dt { color: var(--soft); }
.pairs dd { margin: 0; }
footer { margin-top: 3rem; padding-block: 1.2rem 2.5rem; font-size: .85rem; }
@media (max-width: 34rem) {
  .pairs { display: block; }
  .pairs dd { margin-bottom: .6rem; }
  .bar { grid-template-columns: 5rem 5.5rem; }
  th, td { padding-inline: .5rem; max-width: 14rem; }
}
@media print {
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  body { font-size: 11px; }
  nav { display: none; }
  h2, caption { break-after: avoid; }
  tr, .tiles, .findings li { break-inside: avoid; }
  .scroll { overflow: visible; }
}
`;
