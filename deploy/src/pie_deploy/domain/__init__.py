"""What decides, without I/O: state comes in, decisions go out, `now_ns` is an argument."""
