"""Form fields that every page uses: amounts, times, and how a refused form speaks."""

from collections.abc import Iterable
from typing import Any

from flask_babel import gettext as _
from flask_wtf import FlaskForm
from wtforms import Field, StringField, ValidationError

from dafan.errors import BadInputError
from dafan.money import MAX_FEN, Fen, format_yuan, parse_yuan


class Form(FlaskForm):  # type: ignore[misc] # WTForms publishes no types
    """A form with CSRF protection whose text fields lose the blanks around them."""

    class Meta(FlaskForm.Meta):  # type: ignore[misc] # same
        """Fields of text are stripped."""

        def bind_field(self, form: Any, unbound_field: Any, options: dict[str, Any]) -> Any:
            """Strip what a person typed, passwords excepted."""
            if issubclass(unbound_field.field_class, StringField):
                kind = unbound_field.field_class.__name__
                if kind != "PasswordField":
                    options = {**options, "filters": [_strip, *options.get("filters", ())]}
            return super().bind_field(form, unbound_field, options)


class YuanField(Field):  # type: ignore[misc] # WTForms publishes no types
    """An amount in yuan; its data is whole fen, or ``None`` where nothing was typed."""

    widget = StringField.widget

    def __init__(self, *args: Any, lowest: int = 0, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lowest = lowest

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return "" if self.data is None else format_yuan(self.data)

    def process_formdata(self, valuelist: Iterable[str]) -> None:
        """Read what was typed."""
        text = next(iter(valuelist), "").strip()
        self.data: Fen | None = None
        if not text:
            return
        try:
            amount = parse_yuan(text)
        except BadInputError as error:
            raise ValidationError(_("请写元和角分，例如 12.80")) from error
        if not self.lowest <= amount <= MAX_FEN:
            raise ValidationError(_("金额超出范围"))
        self.data = amount


def read_amount(text: str) -> Fen:
    """An amount of a table inside a form.

    Raises:
        BadInputError: not an amount; the text is for the person.
    """
    try:
        return parse_yuan(text)
    except BadInputError as error:
        message = _("%(text)s 不是金额：请写元和角分，例如 12.80", text=text[:20])
        raise BadInputError(message) from error


def _strip(value: str | None) -> str:
    return (value or "").strip()
