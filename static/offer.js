'use strict';

// A node's offer: the price as a slider beside its field, what it brings, and the light that says
// whether an agent has asked. Forms work without this file.

/** How often it is looked whether an agent has asked, in milliseconds. */
const AGENT_WAIT = 3_000;
/** For how long, in looks: an hour. */
const AGENT_LOOKS = 1_200;

/** What a price in cents brings, as the server works it out, to the cent. */
function showIncome(income, cents) {
  const { slices, share, points, creditPercent } = income.dataset;
  const show = (name, text) => {
    income.querySelector(`[data-shows="${name}"]`).textContent = text;
  };
  const earned = (paid) => dollars(Math.round((paid * Number(share)) / 10_000));
  const credit = Math.round((cents * Number(creditPercent)) / 100);
  show('price', dollars(cents));
  show('all', earned(cents * Number(slices)));
  show('credit', dollars(credit));
  show('credits', dollars(credit * Number(slices)));
  const known = points.split(' ').filter(Boolean).map((point) => point.split(':').map(Number));
  const near = known.filter(([price]) => Math.abs(price - cents) <= cents / 10)
    .sort(([one], [other]) => Math.abs(one - cents) - Math.abs(other - cents))[0];
  income.querySelector('[data-shows-if="expected"]').hidden = !near;
  if (!near) return;
  show('rented', (near[1] / 10).toFixed(1));
  show('expected', earned((cents * near[1]) / 10));
}

/** Lets slider, field and income say the same: what was typed, or where the slider was moved. */
function follow(part, isMoved) {
  const slider = part.querySelector('input');
  const field = document.getElementById(part.dataset.slider);
  if (isMoved) field.value = Number(slider.value).toFixed(2);
  const cents = Math.round(Number(field.value) * 100);
  if (!Number.isFinite(cents) || cents <= 0) return;
  slider.value = field.value;
  showIncome(part.parentElement.querySelector('[data-income]'), cents);
}

// Parts of the page are replaced while it is open, so the document is asked.
document.addEventListener('input', (event) => {
  for (const part of document.querySelectorAll('[data-slider]')) {
    if (part.contains(event.target)) follow(part, true);
    else if (event.target.id === part.dataset.slider) follow(part, false);
  }
});

for (const part of document.querySelectorAll('[data-slider]')) follow(part, false);

/** Lights up once an agent has asked since the page was made. */
async function awaitAgent(light, left) {
  try {
    const headers = { accept: 'application/json' };
    const answer = await fetch(light.dataset.awaitsAgent, { headers });
    const { agents = [] } = answer.ok ? await answer.json() : {};
    const since = Number(light.dataset.since) * 1_000;
    const agent = agents.find(({ seen_at: seen }) => Date.parse(seen) >= since);
    if (agent) {
      light.dataset.on = '';
      light.querySelector('[data-shows="agent"]').textContent =
        `Agent ${agent.name} has asked for work. Your farm sets up machines automatically.`;
      return;
    }
  } catch {
    // The network may be back next time.
  }
  if (left > 0) setTimeout(() => awaitAgent(light, left - 1), AGENT_WAIT);
}

for (const light of document.querySelectorAll('[data-awaits-agent]')) {
  awaitAgent(light, AGENT_LOOKS);
}
