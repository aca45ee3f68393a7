// The trigger form: what it sends, and how it is used without a mouse.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ask, signIn, startBrowser } from '../support.mjs';

describe('the trigger form', () => {
  let browser;
  let context;
  let page;
  before(async () => {
    ({ browser, context } = await startBrowser());
    await signIn(context);
    page = await context.newPage();
  });
  after(() => browser?.close());

  test('gives the focus to the first field with a problem, and sends only what was typed', async () => {
    await page.goto('/dags/exact');
    await page.getByRole('button', { name: 'Trigger', exact: true }).click();
    const dialog = page.getByRole('dialog', { name: 'Trigger exact' });
    const name = dialog.getByLabel('name');
    await name.waitFor();
    assert.equal(await dialog.getByLabel('big').inputValue(), '');
    assert.match(await dialog.getByLabel('clock').inputValue(), /^10:30(:00)?$/);
    await name.focus();
    await page.keyboard.press('Enter');
    await dialog.getByRole('alert').getByText('A value is needed').waitFor();
    assert.equal(await name.evaluate((field) => field === document.activeElement), true);
    assert.equal(await dialog.getByRole('button', { name: 'Trigger', exact: true }).isEnabled(), true);
    await page.keyboard.type('x');
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/dags\/exact\/runs\/manual__/);
    const [, run] = /\/runs\/([^/?]+)/.exec(page.url());
    assert.deepEqual((await ask(context, 'GET', `/api/v2/dags/exact/dagRuns/${run}`)).conf, { name: 'x' });
  });

  test('opens the closed part if the problem is there', async () => {
    await page.goto('/dags/exact');
    await page.getByRole('button', { name: 'Trigger', exact: true }).click();
    const dialog = page.getByRole('dialog', { name: 'Trigger exact' });
    await dialog.getByLabel('name').fill('x');
    await dialog.getByText('Advanced options').click();
    const more = dialog.getByLabel('More configuration');
    await more.fill('{');
    await dialog.getByText('Advanced options').click();
    await dialog.getByRole('button', { name: 'Trigger', exact: true }).click();
    await more.waitFor();
    assert.equal(await more.evaluate((field) => field === document.activeElement), true);
  });
});
