namespace CN2.Api.Options;

/// <summary>
/// What the text of a setting must look like; it stands on the property that the setting is bound to. Rules judge the text and not the
/// bound value, because the configuration binder throws at the first text it cannot convert and the process names every fault at once.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
public abstract class SettingRuleAttribute : Attribute
{
    /// <summary>Null when <paramref name="text"/> is right; otherwise what was expected, as the end of "NAME is 'VALUE': expected …".</summary>
    public abstract string? ExpectedInsteadOf(string text);

    /// <summary>What the items of a list are called.</summary>
    public virtual string Items => "addresses";

    /// <summary>The text as the binder can convert it; called only for text that is right.</summary>
    public virtual string ToBindable(string text) => text;
}
