from pidnet.maps.notes import short_notes


def test_a_long_list_of_units_is_cut_short_and_each_note_is_there_once():
    notes = (f"skipped: {', '.join(str(unit) for unit in range(20))}", "skipped: 1, 2")
    assert short_notes([*notes, *notes]) == [
        "skipped: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 8 more",
        "skipped: 1, 2",
    ]
