import { describe, expect, it } from 'vitest';
import type { Param } from '../api/types';
import { confOf, fieldsOf, toLocalInput } from './fields';

const PARAMS: Record<string, Param> = {
  day: { value: '2026-01-01', description: 'Day to load', schema: { type: 'string', format: 'date' } },
  region: { value: 'eu', schema: { enum: ['eu', 'us', 3] } },
  rows: { value: 1000, schema: { type: 'integer', minimum: 1, maximum: 5000 } },
  ratio: { value: null, schema: { type: ['number', 'null'], title: 'Ratio' } },
  full: { value: false, schema: { type: 'boolean' } },
  tables: { value: ['a', 'b'], schema: { type: 'array', items: { type: 'string' } } },
  options: { value: { deep: [1] }, schema: { type: 'object' } },
  plain: { value: 'x' },
  must: { value: null, schema: { type: 'string' } },
};

describe('fieldsOf', () => {
  it('makes a field of each param, in order', () => {
    const fields = fieldsOf(PARAMS).map(({ name, label, kind, required, initial }) => [name, label, kind, required, initial]);
    expect(fields).toEqual([
      ['day', 'day', 'date', true, '2026-01-01'],
      ['region', 'region', 'choice', false, '"eu"'],
      ['rows', 'rows', 'integer', true, '1000'],
      ['ratio', 'Ratio', 'number', false, ''],
      ['full', 'full', 'boolean', false, 'false'],
      ['tables', 'tables', 'lines', true, 'a\nb'],
      ['options', 'options', 'json', true, '{\n  "deep": [\n    1\n  ]\n}'],
      ['plain', 'plain', 'text', false, 'x'],
      ['must', 'must', 'text', true, ''],
    ]);
  });
});

describe('confOf', () => {
  const fields = fieldsOf(PARAMS);

  it('gives back the defaults if nothing was typed, and says what is missing', () => {
    expect(confOf(fields, {})).toEqual({
      conf: {
        day: '2026-01-01',
        region: 'eu',
        rows: 1000,
        ratio: null,
        full: false,
        tables: ['a', 'b'],
        options: { deep: [1] },
        plain: 'x',
      },
      problems: { must: 'A value is needed.' },
    });
  });

  it('keeps the types of what is typed', () => {
    const typed = { region: '3', rows: '7', ratio: '0.5', full: 'true', tables: 'x\n\n y ', options: '[1, null]', must: ' keep ' };
    expect(confOf(fields, typed, { extra: 1 }).conf).toMatchObject({
      extra: 1,
      region: 3,
      rows: 7,
      ratio: 0.5,
      full: true,
      tables: ['x', ' y '],
      options: [1, null],
      must: ' keep ',
    });
  });

  it('takes an empty text where the default is one', () =>
    expect(confOf(fieldsOf({ prefix: { value: '', schema: { type: 'string' } } }), {}).conf).toEqual({ prefix: '' }));

  it.each([
    ['rows', '1.5', 'This is not a whole number.'],
    ['rows', 'many', 'This is not a number.'],
    ['rows', '0', 'At least 1.'],
    ['rows', '5001', 'At most 5000.'],
    ['options', '{', /^This is not JSON: /],
  ])('refuses %s = %s', (name, text, problem) => {
    const { problems, conf } = confOf(fields, { must: 'x', [name]: text });
    expect(problems).toEqual({ [name]: expect.stringMatching(problem) as unknown });
    expect(conf).not.toHaveProperty(name);
  });

  it('sends a date and time as a moment, whatever the zone of the browser', () => {
    const [field] = fieldsOf({ at: { value: '2026-03-01T12:00:00Z', schema: { type: 'string', format: 'date-time' } } });
    if (field === undefined) throw new Error('no field');
    expect(field.initial).toBe(toLocalInput('2026-03-01T12:00:00Z'));
    expect(confOf([field], {}).conf).toEqual({ at: '2026-03-01T12:00:00.000Z' });
  });
});
