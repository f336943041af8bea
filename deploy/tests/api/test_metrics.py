"""Statistics as Prometheus reads them."""

from pie_deploy.api.metrics import exposition


def test_a_number_is_a_sample_and_a_mapping_is_one_per_kind() -> None:
    text = exposition({"gateway": {"links": 2, "answers": {"2xx": 5}, "empty": {}, "name": "x"}})
    assert text == (
        "# TYPE pie_deploy_gateway_links gauge\n"
        "pie_deploy_gateway_links 2\n"
        "# TYPE pie_deploy_gateway_answers counter\n"
        'pie_deploy_gateway_answers{kind="2xx"} 5\n'
    )


def test_what_is_no_name_or_label_is_made_one() -> None:
    assert exposition({"A-b": {"c d": {'e"': 1}}}).splitlines()[1] == 'pie_deploy_a_b_c_d{kind="e\\""} 1'
