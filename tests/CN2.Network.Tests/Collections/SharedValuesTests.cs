using CN2.Network.Collections;

namespace CN2.Network.Tests.Collections;

public sealed class SharedValuesTests
{
    [Fact]
    public void An_equal_value_that_came_before_is_answered()
    {
        var values = new SharedValues<EquatableList<int>>();
        EquatableList<int> first = [1, 2];
        Assert.Same(first, values.Of(first));
        Assert.Same(first, values.Of([1, 2]));
        Assert.Equal([1, 3], values.Of([1, 3]));
        Assert.Null(values.Of(null));
    }

    [Fact]
    public void A_value_with_many_parts_is_not_remembered()
    {
        var values = new SharedValues<EquatableList<int>>(partsOf: l => l.Count);
        EquatableList<int> small = [.. Enumerable.Range(0, SharedValues<EquatableList<int>>.MostParts)], large = [.. Enumerable.Range(0, SharedValues<EquatableList<int>>.MostParts + 1)];
        values.Of(small);
        values.Of(large);
        Assert.Same(small, values.Of([.. small]));
        Assert.NotSame(large, values.Of([.. large]));
    }

    [Fact]
    public void Any_number_of_values_is_answered_as_it_is_and_a_limited_number_is_kept()
    {
        var values = new SharedValues<string>(StringComparer.Ordinal);
        var texts = Enumerable.Range(0, SharedValues<string>.MostRemembered * 3).Select(i => $"{i}").ToList();
        Assert.All(texts, t => Assert.Equal(t, values.Of(t)));
        var kept = texts.Count(t => ReferenceEquals(values.Of(new string(t.AsSpan())), t));
        Assert.InRange(kept, 1, SharedValues<string>.MostRemembered);
    }
}
