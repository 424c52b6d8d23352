// Types of function calls and macros.

import { BOOL, type CheckType, describeCheckType, DYN, familyOf, fromCel, STRING, unify } from './check-types.ts';
import type { Checker } from './check-node.ts';
import { callProblem } from './functions.ts';
import { type ASTNode, type FunctionSignature, signatures, textOf } from './library.ts';
import { timeParts } from './time-parts.ts';

type Call = Extract<ASTNode, { op: 'call' | 'rcall' }>;

/** The type of a call's result; issues go to the checker. */
export function checkCall(node: Call, checker: Checker): CheckType {
  if (node.op === 'call') {
    const [name, args] = node.args;
    return name === 'has' && args.length === 1 ? checkHas(args[0] as ASTNode, checker) : checkFunction(node, name, null, args, checker);
  }
  const [name, receiver, args] = node.args;
  if (name === 'bind' && receiver.op === 'id' && receiver.args === 'cel' && args.length === 3) return checkBind(args, checker);
  return checkComprehension(name, receiver, args, checker) ?? checkFunction(node, name, receiver, args, checker);
}

function checkHas(argument: ASTNode, checker: Checker): CheckType {
  if (argument.op === '.' || argument.op === '[]') checker.type(argument);
  else checker.issue(`has(${textOf(argument)}): has() takes a field`, 'write has(event.x)');
  return BOOL;
}

function checkBind(args: readonly ASTNode[], checker: Checker): CheckType {
  const [variable, value, body] = args as readonly [ASTNode, ASTNode, ASTNode];
  const type = checker.type(value);
  if (variable.op === 'id') return checker.withVariable(variable.args, type, () => checker.type(body));
  checker.issue('cel.bind(name, value, body): the first argument must be a name');
  return DYN;
}

/** The type of `all`, `exists`, `exists_one`, `map`, `filter`; null for other names. */
function checkComprehension(name: string, receiver: ASTNode, args: readonly ASTNode[], checker: Checker): CheckType | null {
  const isPredicate = name === 'all' || name === 'exists' || name === 'exists_one' || name === 'filter';
  if (!(isPredicate && args.length === 2) && !(name === 'map' && (args.length === 2 || args.length === 3))) return null;
  const range = checker.type(receiver);
  const item = itemType(range, receiver, checker);
  const variable = args[0] as ASTNode;
  if (variable.op !== 'id') {
    checker.issue(`${name}(): the first argument must be a name`);
    return DYN;
  }
  return checker.withVariable(variable.args, item, () => {
    if (isPredicate || args.length === 3) checker.expectBool(args[1] as ASTNode);
    if (name === 'filter') return { kind: 'list', of: item };
    return isPredicate ? BOOL : { kind: 'list', of: checker.type(args.at(-1) as ASTNode) };
  });
}

function itemType(range: CheckType, node: ASTNode, checker: Checker): CheckType {
  if (range.kind === 'list') return range.of;
  if (range.kind === 'object') return STRING;
  if (range.kind !== 'dyn') checker.issue(`${textOf(node)} is ${describeCheckType(range)}, not a list`);
  return DYN;
}

function checkFunction(node: Call, name: string, receiver: ASTNode | null, args: readonly ASTNode[], checker: Checker): CheckType {
  const problem = callProblem(name, receiver !== null, args.length);
  const receiverType = receiver === null ? null : checker.type(receiver);
  const types = args.map((arg) => checker.type(arg));
  if (problem !== null) {
    checker.issue(`${textOf(node)}: ${problem}`);
    return DYN;
  }
  const candidates = candidatesOf(name, receiver !== null, args.length);
  const fitting = candidates.filter(
    (s) => fits(s.receiver, receiverType) && s.params.every((param, i) => fits(param, types[i] as CheckType)),
  );
  if (fitting.length === 0) {
    const given = `${name}(${types.map(describeCheckType).join(', ')})${receiverType === null ? '' : ` of ${describeCheckType(receiverType)}`}`;
    checker.issue(`${textOf(node)}: there is no ${given}`, `there is ${candidates.map(written).join('; ')}`);
    return DYN;
  }
  return fitting.map((s) => fromCel(s.returns)).reduce(unify);
}

function candidatesOf(name: string, hasReceiver: boolean, argumentCount: number): FunctionSignature[] {
  const found = signatures.filter((s) => s.name === name && (s.receiver !== null) === hasReceiver && s.params.length === argumentCount);
  // What functions.ts adds to the library (N3).
  if (hasReceiver && Object.hasOwn(timeParts, name)) found.push({ ...(found[0] as FunctionSignature), receiver: 'double' });
  if (!hasReceiver && name === 'timestamp')
    found.push(...['double', TIMESTAMP].map((param) => ({ name, receiver: null, params: [param], returns: TIMESTAMP })));
  if (!hasReceiver && name === 'string')
    found.push(...[TIMESTAMP, DURATION].map((param) => ({ name, receiver: null, params: [param], returns: 'string' })));
  return found;
}
const TIMESTAMP = 'google.protobuf.Timestamp';
const DURATION = 'google.protobuf.Duration';

function fits(wanted: string | null, found: CheckType | null): boolean {
  if (wanted === null || found === null) return wanted === found;
  if (found.kind === 'dyn' || wanted === 'dyn' || /^[A-Z]$/.test(wanted)) return true;
  return familyOf(fromCel(wanted)) === familyOf(found);
}

function written(signature: FunctionSignature): string {
  const args = signature.params.map((param) => describeCheckType(fromCel(param))).join(', ');
  return `${signature.receiver === null ? '' : `${describeCheckType(fromCel(signature.receiver))}.`}${signature.name}(${args})`;
}
