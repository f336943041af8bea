;; The smallest inferlet: returns its input.
(component
  (core module $m
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
    (func (export "run") (param $text i32) (param $size i32) (result i32)
      (i32.store8 (i32.const 0) (i32.const 0))
      (i32.store (i32.const 4) (local.get $text))
      (i32.store (i32.const 8) (local.get $size))
      (i32.const 0)))
  (core instance $i (instantiate $m))
  (func $run (param "input" string) (result (result string (error string)))
    (canon lift (core func $i "run") (memory (core memory $i "memory")) (realloc (core func $i "realloc"))))
  (instance $export (export "run" (func $run)))
  (export "pie:tiny/run@0.1.0" (instance $export)))
