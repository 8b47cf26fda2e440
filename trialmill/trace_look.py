"""How the page of a traced value looks, and what its script does: light up a variable's path."""

STYLE = """
:root{--adam:#1f4e8c;--working:#6b4fa0;--sdtm:#1d6b45;--raw:#9a5b00;--table:#5d5d5d;--study:#7a2f4c}
body{font:14px/1.45 system-ui,sans-serif;color:#1b1b1b;margin:1.2rem;max-width:none}
h1{font-size:1.35rem;margin:0 0 .2rem;overflow-wrap:anywhere}h2{font-size:1.05rem;margin:1.4rem 0 .4rem}
p{margin:.25rem 0;max-width:75rem}code,.place{font-family:ui-monospace,monospace;font-size:.88em}
.place{color:#555;overflow-wrap:anywhere}.says{color:#333}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.15rem .9rem;margin:.5rem 0;max-width:80rem}
dt{color:#555}dd{margin:0;overflow-wrap:anywhere}
.scroll{overflow-x:auto;border:1px solid #d5d5d5;background:#fcfcfc}
svg{display:block;font-family:system-ui,sans-serif}
.col{font-size:12px;fill:#666;letter-spacing:.04em}
.box rect{fill:#fff;stroke-width:1.3}.box .head{stroke:none}
.adam rect{stroke:var(--adam)}.adam .head{fill:var(--adam)}.working rect{stroke:var(--working)}
.working .head{fill:var(--working)}.sdtm rect{stroke:var(--sdtm)}.sdtm .head{fill:var(--sdtm)}
.raw rect{stroke:var(--raw)}.raw .head{fill:var(--raw)}.table rect{stroke:var(--table)}.table .head{fill:var(--table)}
.study rect{stroke:var(--study)}.study .head{fill:var(--study)}
.name{font-weight:600;font-size:12.5px;fill:#fff}.keys{font-size:10.5px;fill:#fff}
.row{cursor:pointer}.row text{font-size:11.5px}.row .hit{fill:transparent;stroke:none}
.row .val{text-anchor:end;font-family:ui-monospace,monospace;font-size:11px}.row.made .var{font-style:italic}
.row:hover .hit,.row:focus .hit{fill:#eef3fb}.row:focus{outline:none}.row.asked .hit{fill:#fff3c4}
.edge{fill:none;stroke:#9a9a9a;stroke-width:1.2}
.lit .row:not(.on),.lit .edge:not(.on){opacity:.22}.lit .edge.on{stroke:#c2410c;stroke-width:2}
.lit .row.on .hit{fill:#ffe8cc}
#said{min-height:3.2em;border-left:4px solid #c2410c;padding:.2rem .7rem;margin:.5rem 0;background:#fff8f1}
table{border-collapse:collapse;margin:.3rem 0}th,td{text-align:left;vertical-align:top;padding:.2rem .7rem .2rem 0;
border-bottom:1px solid #e3e3e3}td{overflow-wrap:anywhere}td.place{white-space:nowrap}th{color:#555;font-weight:600}
details{margin-left:1.05rem}summary{cursor:pointer;overflow-wrap:anywhere}.leaf{margin-left:2.1rem;overflow-wrap:anywhere}
@media print{@page{size:A3 landscape;margin:10mm}.scroll{overflow:visible;border:0}svg{width:100%;height:auto}
#said,.only-screen{display:none}details{break-inside:auto}*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
"""

SCRIPT = """
(function(){var svg=document.querySelector('svg'),said=document.getElementById('said'),fixed=null;
var edges=[].slice.call(svg.querySelectorAll('.edge')),up={},down={};
edges.forEach(function(e){var a=e.dataset.to,b=e.dataset.from;
(down[a]=down[a]||[]).push([b,e]);(up[b]=up[b]||[]).push([a,e])});
function walk(start,next){var todo=[start],seen={};seen[start]=1;while(todo.length){(next[todo.pop()]||[]).forEach(
function(p){p[1].classList.add('on');if(!seen[p[0]]){seen[p[0]]=1;todo.push(p[0])}})}return seen}
function clear(){svg.classList.remove('lit');
[].forEach.call(svg.querySelectorAll('.on'),function(e){e.classList.remove('on')})}
function light(row){clear();svg.classList.add('lit');var n=row.dataset.n,a=walk(n,down),b=walk(n,up);
[].forEach.call(svg.querySelectorAll('.row'),function(r){if(a[r.dataset.n]||b[r.dataset.n])r.classList.add('on')});
said.textContent=row.querySelector('title').textContent}
function restore(){if(fixed)light(fixed);else{clear();said.textContent=said.dataset.hint}}
[].forEach.call(svg.querySelectorAll('.row'),function(row){row.addEventListener('mouseenter',function(){light(row)});
row.addEventListener('mouseleave',restore);row.addEventListener('focus',function(){light(row)});row.addEventListener('blur',restore);
row.addEventListener('click',function(){fixed=fixed===row?null:row;restore()})});
document.getElementById('all').addEventListener('click',function(){var all=document.querySelectorAll('details'),
open=!all[0]||!all[0].open;[].forEach.call(all,function(d){d.open=open})});
window.addEventListener('beforeprint',function(){[].forEach.call(document.querySelectorAll('details'),function(d){d.open=true})})})();
"""
