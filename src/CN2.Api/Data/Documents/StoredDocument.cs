using CN2.Api.Data.Rows;
using CN2.Api.Json;

namespace CN2.Api.Data.Documents;

/// <summary>
/// Documents of rows that may have been written by another version of this program, or by hand. A member that this version does not know is
/// ignored (<see cref="ApiJson.Read"/>). A document that cannot be read at all is this one resource's problem: it is answered with
/// condition reason <c>DocumentUnreadable</c>, and lists and watches go on.
/// </summary>
internal static class StoredDocument
{
    /// <summary>The reason of the conditions.</summary>
    private const string Unreadable = "DocumentUnreadable";

    /// <summary>The representation of a row or, when its document cannot be read, what <paramref name="unreadable"/> makes without it.</summary>
    public static T Make<T>(ResourceRow row, Func<T> make, Func<ConditionBody, T> unreadable)
    {
        try
        {
            return make();
        }
        catch (Exception e)
        {
            return unreadable(Condition(row, e.Message));
        }
    }

    /// <summary>The document, or the default when it cannot be read.</summary>
    public static T? ReadOr<T>(string? json, T? otherwise)
    {
        try
        {
            return json is null ? otherwise : ApiJson.Read<T>(json);
        }
        catch (DocumentUnreadableException)
        {
            return otherwise;
        }
    }

    /// <summary>
    /// The conditions of a row, and one more when some of its labels or annotations cannot be read: they are left out, so selectors do not see them.
    /// </summary>
    public static IReadOnlyList<ConditionBody> Conditions(ResourceRow row, IReadOnlyList<ConditionBody> others)
    {
        var (member, damaged) = row.Labels is DamagedLabels labels ? ("labels", labels) : ("annotations", row.Annotations as DamagedLabels);
        if (damaged is null) return others;
        var where = damaged.LeftOut == "$" ? member : $"{member}[{damaged.LeftOut}]";
        return
        [
            .. others,
            new ConditionBody("Metadata", "False", Unreadable, $"What is stored as {where} is no text and is left out; write the labels and annotations anew.", row.Generation, row.UpdatedAt),
        ];
    }

    private static ConditionBody Condition(ResourceRow row, string fault) => new(
        "Ready", "False", Unreadable,
        $"What is stored for it cannot be read by this version ({fault}); nothing of it is changed. Delete it and create it anew, or upgrade all control nodes.",
        row.Generation, row.UpdatedAt);
}
