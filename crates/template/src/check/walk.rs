//! A walk over a template's syntax tree.

use minijinja::machinery::ast::{CallArg, Expr, Stmt};

/// What a walk meets.
pub(super) enum Node<'n, 'a> {
    /// An expression; `guarded` if it may be undefined without harm.
    Expr { expr: &'n Expr<'a>, guarded: bool },
    /// A name that the template assigns.
    Assigned(&'a str),
}

/// `params.x` of the expression `params.x` or `params["x"]`.
pub(super) fn path(expr: &Expr<'_>) -> Option<String> {
    match expr {
        Expr::Var(var) => Some(var.id.to_owned()),
        Expr::GetAttr(attr) => Some(format!("{}.{}", path(&attr.expr)?, attr.name)),
        Expr::GetItem(item) => match &item.subscript_expr {
            Expr::Const(key) => Some(format!("{}.{}", path(&item.expr)?, key.value.as_str()?)),
            _ => None,
        },
        _ => None,
    }
}

/// Visits a statement and all that is in it.
pub(super) fn statement<'a>(stmt: &Stmt<'a>, visit: &mut dyn FnMut(Node<'_, 'a>)) {
    let body = |stmts: &[Stmt<'a>], visit: &mut dyn FnMut(Node<'_, 'a>)| stmts.iter().for_each(|stmt| statement(stmt, visit));
    match stmt {
        Stmt::Template(template) => body(&template.children, visit),
        Stmt::EmitExpr(emit) => walk(&emit.expr, false, visit),
        Stmt::EmitRaw(_) | Stmt::Continue(_) | Stmt::Break(_) => {}
        Stmt::ForLoop(each) => {
            assign(&each.target, visit);
            walk(&each.iter, false, visit);
            each.filter_expr.iter().for_each(|expr| walk(expr, false, visit));
            body(&each.body, visit);
            body(&each.else_body, visit);
        }
        Stmt::IfCond(cond) => {
            walk(&cond.expr, false, visit);
            body(&cond.true_body, visit);
            body(&cond.false_body, visit);
        }
        Stmt::WithBlock(with) => {
            for (target, expr) in &with.assignments {
                assign(target, visit);
                walk(expr, false, visit);
            }
            body(&with.body, visit);
        }
        Stmt::Set(set) => {
            assign(&set.target, visit);
            walk(&set.expr, false, visit);
        }
        Stmt::SetBlock(set) => {
            assign(&set.target, visit);
            set.filter.iter().for_each(|filter| walk(filter, false, visit));
            body(&set.body, visit);
        }
        Stmt::AutoEscape(block) => body(&block.body, visit),
        Stmt::FilterBlock(block) => {
            walk(&block.filter, false, visit);
            body(&block.body, visit);
        }
        Stmt::Macro(declared) => {
            visit(Node::Assigned(declared.name));
            declared.args.iter().for_each(|arg| assign(arg, visit));
            declared.defaults.iter().for_each(|expr| walk(expr, false, visit));
            body(&declared.body, visit);
        }
        Stmt::CallBlock(block) => {
            walk(&block.call.expr, false, visit);
            arguments(&block.call.args, visit);
            block.macro_decl.args.iter().for_each(|arg| assign(arg, visit));
            body(&block.macro_decl.body, visit);
        }
        Stmt::Do(block) => {
            walk(&block.call.expr, false, visit);
            arguments(&block.call.args, visit);
        }
    }
}

/// The names of an assignment's target: `a`, `a, b`; `ns.x` assigns no name.
fn assign<'a>(target: &Expr<'a>, visit: &mut dyn FnMut(Node<'_, 'a>)) {
    match target {
        Expr::Var(var) => visit(Node::Assigned(var.id)),
        Expr::List(list) => list.items.iter().for_each(|item| assign(item, visit)),
        Expr::Tuple(tuple) => tuple.items.iter().for_each(|item| assign(item, visit)),
        _ => {}
    }
}

fn arguments<'a>(args: &[CallArg<'a>], visit: &mut dyn FnMut(Node<'_, 'a>)) {
    for arg in args {
        let (CallArg::Pos(expr) | CallArg::Kwarg(_, expr) | CallArg::PosSplat(expr) | CallArg::KwargSplat(expr)) = arg;
        walk(expr, false, visit);
    }
}

/// Visits an expression and all that is in it.
pub(super) fn walk<'a>(expr: &Expr<'a>, guarded: bool, visit: &mut dyn FnMut(Node<'_, 'a>)) {
    visit(Node::Expr { expr, guarded });
    match expr {
        Expr::Var(_) | Expr::Const(_) => {}
        Expr::Slice(slice) => {
            walk(&slice.expr, false, visit);
            [&slice.start, &slice.stop, &slice.step].into_iter().flatten().for_each(|expr| walk(expr, false, visit));
        }
        Expr::UnaryOp(op) => walk(&op.expr, false, visit),
        Expr::BinOp(op) => {
            walk(&op.left, false, visit);
            walk(&op.right, false, visit);
        }
        Expr::Compare(compare) => {
            walk(&compare.expr, false, visit);
            compare.ops.iter().for_each(|op| walk(&op.expr, false, visit));
        }
        Expr::IfExpr(choice) => {
            walk(&choice.test_expr, false, visit);
            walk(&choice.true_expr, false, visit);
            choice.false_expr.iter().for_each(|expr| walk(expr, false, visit));
        }
        Expr::Filter(filter) => {
            let guards = matches!(filter.name, "default" | "d");
            filter.expr.iter().for_each(|expr| walk(expr, guards, visit));
            arguments(&filter.args, visit);
        }
        Expr::Test(test) => {
            walk(&test.expr, matches!(test.name, "defined" | "undefined"), visit);
            arguments(&test.args, visit);
        }
        Expr::GetAttr(attr) => walk(&attr.expr, false, visit),
        Expr::GetItem(item) => {
            walk(&item.expr, false, visit);
            walk(&item.subscript_expr, false, visit);
        }
        Expr::Call(call) => {
            walk(&call.expr, false, visit);
            arguments(&call.args, visit);
        }
        Expr::List(list) => list.items.iter().for_each(|item| walk(item, false, visit)),
        Expr::Tuple(tuple) => tuple.items.iter().for_each(|item| walk(item, false, visit)),
        Expr::Map(map) => map.keys.iter().chain(&map.values).for_each(|expr| walk(expr, false, visit)),
    }
}
