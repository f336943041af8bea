"""How pie-tiny is made: tables of facts, a generator of text, a tokenizer, a training loop, an evaluation."""
