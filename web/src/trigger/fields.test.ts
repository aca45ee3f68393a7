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

  it('sends nothing that nobody touched, and says what is missing', () => {
    expect(confOf(fields, {})).toEqual({ conf: {}, problems: { must: 'A value is needed.' } });
    expect(confOf(fields, { must: 'x', rows: '7' })).toEqual({ conf: { must: 'x', rows: 7 }, problems: {} });
  });

  it('sends what is shown where there is neither a default nor room for null', () =>
    expect(confOf(fieldsOf({ full: { value: null, schema: { type: 'boolean' } } }), {}).conf).toEqual({ full: false }));

  it('sends nothing that was changed and changed back', () =>
    expect(confOf(fields, { must: 'x', rows: '1000', tables: 'a\nb' }).conf).toEqual({ must: 'x' }));

  it('leaves what was added as JSON alone where the field was not touched', () =>
    expect(confOf(fields, {}, { rows: 5, must: 'y' })).toEqual({ conf: { rows: 5, must: 'y' }, problems: {} }));

  it('can empty a text, and a param that may be null', () => {
    const some = fieldsOf({
      note: { value: 'x', schema: { type: ['string', 'null'] } },
      ratio: { value: 1, schema: { type: ['number', 'null'] } },
    });
    expect(confOf(some, { note: '', ratio: '' })).toEqual({ conf: { note: null, ratio: null }, problems: {} });
  });

  describe('numbers that JavaScript would change', () => {
    const parse = (text: string) => JSON.parse(text) as unknown;
    const some = fieldsOf({
      id: { value: parse('9007199254740993'), schema: { type: 'integer' } },
      huge: { value: parse('1e400'), schema: { type: 'number' } },
      list: { value: parse('[9007199254740993]'), schema: { type: 'array' } },
    });
    it('are not shown as others, and not sent', () => {
      expect(some.map(({ initial, isInexact }) => [initial, isInexact]).slice(0, 2)).toEqual([
        ['', true],
        ['', true],
      ]);
      expect(confOf(some, {})).toEqual({ conf: {}, problems: {} });
    });
    it.each([
      ['id', '9007199254740993'],
      ['huge', '1e400'],
      ['list', '[[9007199254740993]]'],
    ])('are refused when typed: %s = %s', (name, text) =>
      expect(confOf(some, { [name]: text })).toEqual({ conf: {}, problems: { [name]: expect.stringMatching(/exactly/) as unknown } }),
    );
    it('are not confused with those that it keeps', () =>
      expect(confOf(some, { id: '9007199254740991', huge: '0.1' }).conf).toEqual({ id: 9007199254740991, huge: 0.1 }));
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

  it('takes an empty text where the default is one', () => {
    const prefix = fieldsOf({ prefix: { value: '', schema: { type: 'string' } } });
    expect(confOf(prefix, {})).toEqual({ conf: {}, problems: {} });
    expect(confOf(prefix, { prefix: ' ' })).toEqual({ conf: { prefix: '' }, problems: {} });
  });

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
    const some = fieldsOf({ at: { value: '2026-03-01T12:00:00+02:00', schema: { type: 'string', format: 'date-time' } } });
    expect(some[0]?.initial).toBe(toLocalInput('2026-03-01T10:00:00Z'));
    expect(confOf(some, {}).conf).toEqual({});
    expect(confOf(some, { at: toLocalInput('2026-03-01T11:00:00Z') }).conf).toEqual({ at: '2026-03-01T11:00:00.000Z' });
  });

  it.each(['10:30:00Z', '10:30:00+02:00', '10:30', '10:30:00', '10:30:00.5Z'])('shows and sends the time %s to the second', (value) => {
    const some = fieldsOf({ at: { value, schema: { type: 'string', format: 'time' } } });
    expect(some[0]?.initial).toBe('10:30:00');
    expect(confOf(some, {}).conf).toEqual({});
    // Browsers leave out seconds that are zero.
    expect(confOf(some, { at: '11:45' }).conf).toEqual({ at: '11:45:00' });
    expect(confOf(some, { at: '11:45:07' }).conf).toEqual({ at: '11:45:07' });
  });
});
