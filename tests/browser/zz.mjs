import { onStage } from "/work/main/tests/browser/stage.js";
for (let i=0;i<4;i++) await onStage({}, async (stage) => {
  const t=()=>Math.round(performance.now()-t0); let t0=performance.now();
  const [anna, weber] = [await stage.person("Anna"), await stage.person("Weber")];
  await weber.join(); await anna.join(); const r=[t()]; await anna.sees(1); r.push(t()); await weber.sees(1); r.push(t());
  console.log(r.join(' '));
});
