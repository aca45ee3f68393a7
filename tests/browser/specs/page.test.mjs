// Drives the page as a person does, by roles and labels only. Needs a server with the DAG files of
// tests/browser/dags; the steps build on each other, in order.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { collectProblems, PASSWORD, startBrowser, USERNAME } from '../support.mjs';

describe('the page', () => {
  let browser;
  let page;
  let problems;

  before(async () => {
    const started = await startBrowser();
    browser = started.browser;
    page = await started.context.newPage();
    problems = collectProblems(page);
  });
  after(() => browser?.close());

  const row = (dagId) => page.getByRole('row', { name: dagId, exact: true });
  const task = (name, state) => page.getByRole('button', { name: new RegExp(`^Task ${name}, ${state}`) });
  const runState = (state) => page.getByRole('status', { name: 'State of the run' }).getByText(state);

  async function login(password) {
    await page.getByLabel('Username').fill(USERNAME);
    await page.getByLabel('Password').fill(password);
    await page.getByRole('button', { name: 'Log in' }).click();
  }

  async function trigger(fill) {
    await page.getByRole('link', { name: 'Dags', exact: true }).first().click();
    await row('sales_daily').getByRole('button', { name: 'Trigger sales_daily' }).click();
    const dialog = page.getByRole('dialog', { name: 'Trigger sales_daily' });
    await dialog.getByLabel('day').waitFor();
    await fill(dialog);
    await dialog.getByRole('button', { name: 'Trigger' }).click();
    await page.waitForURL(/\/dags\/sales_daily\/runs\/manual__/);
  }

  test('leads to the login, refuses a wrong password, and comes back', async () => {
    await page.goto('/dags?search=sales');
    await page.getByRole('heading', { name: 'Log in to Updraft' }).waitFor();
    await login(`${PASSWORD}-wrong`);
    await page.getByRole('alert').getByText('do not match').waitFor();
    await login(PASSWORD);
    await page.waitForURL('**/dags?search=sales');
  });

  test('lists the DAGs and is live', async () => {
    await page.getByRole('link', { name: 'Dags', exact: true }).first().click();
    await row('sales_daily').waitFor();
    await page.getByRole('navigation', { name: 'Main' }).getByRole('status').getByText('Live').waitFor();
  });

  test('searches, with / as the way to the field', async () => {
    await page.keyboard.press('/');
    await page.keyboard.type('no-such-dag');
    await page.getByText('No DAG matches').waitFor();
    await page.getByRole('searchbox', { name: 'Search DAGs' }).fill('sales_d');
    await row('sales_daily').waitFor();
    assert.match(page.url(), /search=sales_d/);
  });

  test('triggers a run from the form of its params, and refuses what the schema refuses', async () => {
    await trigger(async (dialog) => {
      await dialog.getByLabel('region').selectOption('us');
      await dialog.getByLabel('rows').fill('0');
      await dialog.getByRole('alert').getByText('At least 1').waitFor();
      await dialog.getByLabel('rows').fill('77');
      await dialog.getByLabel('full').check();
    });
    await page.getByRole('link', { name: 'Details', exact: true }).click();
    const conf = page.getByText('"region": "us"');
    await conf.waitFor();
    // The day was not touched: it is the server's to fill in.
    assert.deepEqual(JSON.parse(await conf.textContent()), { region: 'us', rows: 77, full: true });
  });

  test('shows the states of tasks as they change, and why others wait', async () => {
    await page.getByRole('link', { name: 'Graph', exact: true }).click();
    await task('extract', 'running').waitFor();
    await task('load', 'no status, waits for upstream').waitFor();
    await task('extract', 'success').waitFor();
    await task('load', 'success').waitFor({ timeout: 40_000 });
    await runState('success').waitFor({ timeout: 40_000 });
  });

  test('asks nothing while nothing happens', async () => {
    await page.waitForLoadState('load');
    const asked = [];
    const note = (request) => asked.push(request.url());
    // The last changes may still be read; after them there must be silence.
    await page.waitForTimeout(1_500);
    page.on('request', note);
    await page.waitForTimeout(3_000);
    page.off('request', note);
    assert.deepEqual(asked, []);
  });

  test('shows the log while it is written, and the whole of it afterwards', async () => {
    await trigger(() => Promise.resolve());
    await task('extract', 'running').click();
    await page.waitForFunction(() => /^extract · manual__.* · sales_daily · Updraft$/.test(document.title));
    const panel = page.getByRole('region', { name: 'Task extract' });
    const log = panel.getByRole('log', { name: 'Task log' });
    await log.getByText('loaded batch 2 ').waitFor();
    await panel.getByText('live', { exact: true }).waitFor();
    await log.getByText('loaded batch 8 ').waitFor();
    await panel.getByRole('status', { name: 'State of the task' }).getByText('success').waitFor();
    await panel.getByText('live', { exact: true }).waitFor({ state: 'detached' });
    await panel.getByRole('searchbox', { name: 'Search in log' }).fill('batch 20 ');
    await log.getByText('loaded batch 20 ').waitFor();
    assert.equal(await log.getByText('loaded batch').count(), 1);
  });

  test('lists the tasks of the run and its XComs', async () => {
    await page.getByRole('link', { name: 'XCom' }).click();
    await page.getByRole('region', { name: 'Task extract' }).getByText(/return_value|No XComs/).waitFor();
    await page.getByRole('link', { name: 'Task list' }).click();
    await page.getByRole('table', { name: 'Task instances' }).getByRole('button', { name: 'audit' }).waitFor();
    await page.getByRole('button', { name: 'Close the task' }).click();
    await page.getByRole('region', { name: 'Task extract' }).waitFor({ state: 'detached' });
  });

  test('shows an import error with its place and a hint', async () => {
    await page.getByRole('link', { name: /Import errors/ }).click();
    const error = page.getByRole('article', { name: /Import error in .*broken\.yaml/ });
    await error.getByText('upstraem').first().waitFor();
    assert.match(await error.innerText(), /broken\.yaml:\d+:\d+/);
    assert.match(await error.innerText(), /Hint: .*upstream/);
  });

  test('changes the theme and remembers it', async () => {
    await page.getByRole('button', { name: 'Dark theme' }).click();
    await page.reload();
    await page.getByRole('button', { name: 'Light theme' }).waitFor();
    assert.equal(await page.locator('html').getAttribute('data-theme'), 'dark');
  });

  test('logs out', async () => {
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByRole('heading', { name: 'Log in to Updraft' }).waitFor();
    await page.goto('/pools');
    await page.getByRole('heading', { name: 'Log in to Updraft' }).waitFor();
  });

  test('broke nothing on the way', () => assert.deepEqual(problems, []));
});
