using CN2.Network.Collections;
using CN2.Network.Resources;

namespace CN2.Network.Selection;

/// <summary>Reads the query-string form of a <see cref="LabelSelector"/>; stops at the first fault and says where.</summary>
internal sealed class LabelSelectorParser(string text)
{
    private int _at;

    /// <summary>A sentence, set when <see cref="Parse"/> returns null.</summary>
    public string Error { get; private set; } = "";

    public LabelSelector? Parse()
    {
        SkipBlanks();
        if (_at == text.Length) return LabelSelector.Everything;
        var requirements = new List<LabelRequirement>();
        while (true)
        {
            if (Requirement() is not { } requirement) return null;
            if (requirements.Count == Limits.SelectorRequirements) return Fail($"at most {Limits.SelectorRequirements} requirements are allowed");
            requirements.Add(requirement);
            SkipBlanks();
            if (_at == text.Length) return new LabelSelector(requirements.ToEquatableList());
            if (!Take(',')) return Fail("expected ',' between requirements");
        }
    }

    private LabelRequirement? Requirement()
    {
        SkipBlanks();
        var absent = Take('!');
        SkipBlanks();
        if (Key() is not { } key) return null;
        SkipBlanks();
        if (absent) return new LabelRequirement(key, LabelOperator.DoesNotExist, []);
        if (_at == text.Length || text[_at] == ',') return new LabelRequirement(key, LabelOperator.Exists, []);
        if (Take('='))
        {
            Take('=');
            return OneValue(key, LabelOperator.In);
        }

        if (Take('!'))
        {
            if (Take('=')) return OneValue(key, LabelOperator.NotIn);
            Fail("expected '=' after '!'");
            return null;
        }

        var start = _at;
        switch (Word())
        {
            case "in":
                return Set(key, LabelOperator.In);
            case "notin":
                return Set(key, LabelOperator.NotIn);
            default:
                _at = start;
                Fail($"expected '=', '==', '!=', 'in', 'notin' or ',' after '{key}'");
                return null;
        }
    }

    private LabelRequirement? OneValue(string key, LabelOperator op)
    {
        SkipBlanks();
        return Value() is { } value ? new LabelRequirement(key, op, [value]) : null;
    }

    private LabelRequirement? Set(string key, LabelOperator op)
    {
        SkipBlanks();
        if (!Take('('))
        {
            Fail("expected '(' before the values");
            return null;
        }

        var values = new List<string>();
        do
        {
            SkipBlanks();
            if (_at < text.Length && text[_at] is ',' or ')')
            {
                Fail("expected a value");
                return null;
            }

            if (Value() is not { } value) return null;
            if (values.Count == Limits.SelectorValues)
            {
                Fail($"at most {Limits.SelectorValues} values are allowed");
                return null;
            }

            values.Add(value);
            SkipBlanks();
        }
        while (Take(','));
        if (Take(')')) return new LabelRequirement(key, op, LabelSelector.Canonical(values));
        Fail("expected ',' or ')' after a value");
        return null;
    }

    private string? Key()
    {
        var start = _at;
        var word = Word();
        if (word.Length > 0 && NameSyntax.FaultOfLabelKey(word) is not { } fault) return word;
        _at = start;
        Fail(word.Length == 0 ? "expected a label key" : NameSyntax.FaultOfLabelKey(word)!.TrimEnd('.'));
        return null;
    }

    private string? Value()
    {
        var start = _at;
        var word = Word();
        if (NameSyntax.FaultOfLabelValue(word) is not { } fault) return word;
        _at = start;
        Fail(fault.TrimEnd('.'));
        return null;
    }

    private string Word()
    {
        var start = _at;
        while (_at < text.Length && text[_at] is not ('=' or '!' or ',' or '(' or ')' or ' ' or '\t')) _at++;
        return text[start.._at];
    }

    private bool Take(char c)
    {
        if (_at == text.Length || text[_at] != c) return false;
        _at++;
        return true;
    }

    private void SkipBlanks()
    {
        while (_at < text.Length && text[_at] is ' ' or '\t') _at++;
    }

    private LabelSelector? Fail(string what)
    {
        Error = $"The label selector is wrong at character {_at + 1}: {what}.";
        return null;
    }
}
