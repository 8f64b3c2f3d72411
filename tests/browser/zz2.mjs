import { onStage } from "/work/main/tests/browser/stage.js";
for (const how of ['alone','alone','both','both']) await onStage({}, async (stage) => {
  const weber = await stage.person("Weber"); 
  await weber.page.waitForSelector('.screen[data-camera="on"]');
  await weber.page.evaluate(async () => { const v=document.createElement('video'); v.muted=true; document.body.append(v); v.srcObject=document.querySelector('#preview').srcObject; v.play(); window.t0=performance.now(); window.gaps=[]; let last=t0; const on=()=>{const n=performance.now(); if(n-last>300) gaps.push([Math.round(last-t0),Math.round(n-t0)]); last=n; v.requestVideoFrameCallback(on)}; v.requestVideoFrameCallback(on); });
  await weber.join(); const marks={join:await weber.page.evaluate(()=>Math.round(performance.now()-t0))};
  if (how==='both') { const anna = await stage.person("Anna"); await anna.page.waitForSelector('.screen[data-camera="on"]'); marks.annaOpen=await weber.page.evaluate(()=>Math.round(performance.now()-t0)); await anna.join(); marks.annaJoin=await weber.page.evaluate(()=>Math.round(performance.now()-t0)); await anna.sees(1); }
  else await new Promise(r=>setTimeout(r,5000));
  console.log(how, JSON.stringify(marks), await weber.page.evaluate(()=>JSON.stringify(gaps)));
});
