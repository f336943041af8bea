"""Reads the type of a component: what it imports and exports, down to the last field."""

from collections.abc import Callable, Iterator

from pie.sandbox import bindings as c
from pie.sandbox.wit import (
    Borrow,
    ComponentType,
    Enum,
    Flags,
    Function,
    InstanceType,
    List,
    Option,
    Own,
    Record,
    Result,
    Scalar,
    String,
    Tuple,
    Unsupported,
    Variant,
    WitType,
)

_SCALARS = {
    c.TYPE_BOOL: "bool",
    c.TYPE_S8: "s8",
    c.TYPE_S16: "s16",
    c.TYPE_S32: "s32",
    c.TYPE_S64: "s64",
    c.TYPE_U8: "u8",
    c.TYPE_U16: "u16",
    c.TYPE_U32: "u32",
    c.TYPE_U64: "u64",
    c.TYPE_F32: "f32",
    c.TYPE_F64: "f64",
    c.TYPE_CHAR: "char",
}


def read_component_type(engine: int, component: int) -> ComponentType:
    pointer = c.component_type(component)
    try:
        return _component(engine, pointer)
    finally:
        c.component_type_delete(pointer)


def _component(engine: int, pointer: int) -> ComponentType:
    imports, exports, others = {}, {}, []
    for name, kind, item in _items(engine, pointer, c.component_type_import_count, c.component_type_import_nth):
        if kind == c.ITEM_INSTANCE:
            imports[name] = _instance(engine, item)
        elif kind != c.ITEM_TYPE:
            others.append(name)
    for name, kind, item in _items(engine, pointer, c.component_type_export_count, c.component_type_export_nth):
        if kind == c.ITEM_INSTANCE:
            exports[name] = _instance(engine, item)
    return ComponentType(imports, exports, tuple(others))


def _instance(engine: int, pointer: int) -> InstanceType:
    functions, resources, types = {}, set(), {}
    for name, kind, item in _items(engine, pointer, c.instance_type_export_count, c.instance_type_export_nth):
        if kind == c.ITEM_FUNCTION:
            functions[name] = _function(item)
        elif kind == c.ITEM_RESOURCE:
            resources.add(name)
        elif kind == c.ITEM_TYPE:
            types[name] = _valtype(item)
    return InstanceType(functions, frozenset(resources), types)


def _items(engine: int, pointer: int, count: Callable[..., int], nth: Callable[..., bool]) -> Iterator[tuple[str, int, int]]:
    """(name, kind, address): of a valtype structure for types, else of an opaque type."""
    out, item = c.Slots(3), c.Slots(3)
    for index in range(count(pointer, engine)):
        nth(pointer, engine, index, out.address, out.address + 8, out.address + 16)
        extern = out[2]
        c.extern_type(extern, item.address)
        kind = item[0] & 0xFF
        yield c.text_at(out[0], out[1]), kind, item.address + 8 if kind == c.ITEM_TYPE else item[1]
        c.item_delete(item.address)
        c.extern_delete(extern)


def _function(pointer: int) -> Function:
    parameters = []
    name, valtype = c.Slots(2), c.Slots(2)
    for index in range(c.func_type_param_count(pointer)):
        c.func_type_param_nth(pointer, index, name.address, name.address + 8, valtype.address)
        parameters.append(_taken(valtype))
    result = _taken(valtype) if c.func_type_result(pointer, valtype.address) else None
    return Function(tuple(parameters), result)


def _taken(slots: c.Slots) -> WitType:
    """The type in `slots`, which is freed."""
    found = _valtype(slots.address)
    c.valtype_delete(slots.address)
    return found


def _valtype(address: int) -> WitType:
    kind, pointer = c.read_words(c.MEMORY, address)
    kind &= 0xFF
    if kind in _SCALARS:
        return Scalar(_SCALARS[kind])
    read = _READERS.get(kind)
    return Unsupported(kind) if read is None else read(pointer)


def _string(_: int) -> WitType:
    return String()


def _list(pointer: int) -> WitType:
    inner = c.Slots(2)
    c.list_type_element(pointer, inner.address)
    return List(_taken(inner))


def _record(pointer: int) -> WitType:
    name, inner, fields = c.Slots(2), c.Slots(2), []
    for index in range(c.record_type_field_count(pointer)):
        c.record_type_field_nth(pointer, index, name.address, name.address + 8, inner.address)
        fields.append((c.text_at(name[0], name[1]), _taken(inner)))
    return Record(tuple(fields))


def _tuple(pointer: int) -> WitType:
    inner, elements = c.Slots(2), []
    for index in range(c.tuple_type_count(pointer)):
        c.tuple_type_nth(pointer, index, inner.address)
        elements.append(_taken(inner))
    return Tuple(tuple(elements))


def _variant(pointer: int) -> WitType:
    name, flag, inner, cases = c.Slots(2), c.Slots(1), c.Slots(2), []
    for index in range(c.variant_type_case_count(pointer)):
        c.variant_type_case_nth(pointer, index, name.address, name.address + 8, flag.address, inner.address)
        payload = _taken(inner) if flag[0] & 0xFF else None
        cases.append((c.text_at(name[0], name[1]), payload))
    return Variant(tuple(cases))


def _enum(pointer: int) -> WitType:
    return Enum(_names(pointer, c.enum_type_count, c.enum_type_nth))


def _flags(pointer: int) -> WitType:
    return Flags(_names(pointer, c.flags_type_count, c.flags_type_nth))


def _names(pointer: int, count: Callable[..., int], nth: Callable[..., bool]) -> tuple[str, ...]:
    name, names = c.Slots(2), []
    for index in range(count(pointer)):
        nth(pointer, index, name.address, name.address + 8)
        names.append(c.text_at(name[0], name[1]))
    return tuple(names)


def _option(pointer: int) -> WitType:
    inner = c.Slots(2)
    c.option_type_inner(pointer, inner.address)
    return Option(_taken(inner))


def _result(pointer: int) -> WitType:
    inner = c.Slots(2)
    ok = _taken(inner) if c.result_type_ok(pointer, inner.address) else None
    err = _taken(inner) if c.result_type_err(pointer, inner.address) else None
    return Result(ok, err)


def _own(_: int) -> WitType:
    return Own()


def _borrow(_: int) -> WitType:
    return Borrow()


_READERS: dict[int, Callable[[int], WitType]] = {
    c.TYPE_STRING: _string,
    c.TYPE_LIST: _list,
    c.TYPE_RECORD: _record,
    c.TYPE_TUPLE: _tuple,
    c.TYPE_VARIANT: _variant,
    c.TYPE_ENUM: _enum,
    c.TYPE_FLAGS: _flags,
    c.TYPE_OPTION: _option,
    c.TYPE_RESULT: _result,
    c.TYPE_OWN: _own,
    c.TYPE_BORROW: _borrow,
}
