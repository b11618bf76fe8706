using System.ComponentModel.DataAnnotations;
using System.Reflection;
using Microsoft.Extensions.Options;

namespace CN2.Api.Options;

/// <summary>
/// Binds <typeparamref name="T"/> from the configuration and names what is wrong with it. The binder gets only the texts that their
/// rules accept, so it cannot fail; a setting that is absent, blank or wrong keeps its default, and the check goes on with the others.
/// </summary>
/// <param name="section">Empty: the properties name their whole keys.</param>
internal sealed class SectionOptions<T>(IConfiguration configuration, string section) : IConfigureOptions<T>, IValidateOptions<T> where T : class, new()
{
    public void Configure(T options)
    {
        var right = Read().Where(s => s.Expected is null).Select(s => KeyValuePair.Create<string, string?>(s.Key, s.Text));
        IConfiguration usable = new ConfigurationBuilder().AddInMemoryCollection(right).Build();
        (section.Length > 0 ? usable.GetSection(section) : usable).Bind(options);
    }

    public ValidateOptionsResult Validate(string? name, T options)
    {
        var wrong = Read().Where(s => s.Expected is not null).Select(s => (s.Key, Expected: s.Expected!)).ToList();
        if (options is IValidatableObject together)
        {
            foreach (var fault in together.Validate(new ValidationContext(options)))
            {
                var key = KeyOf(typeof(T).GetProperty(fault.MemberNames.Single())!);
                if (!wrong.Exists(w => w.Key == key)) wrong.Add((key, fault.ErrorMessage!));
            }
        }

        return wrong.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(wrong.Select(w => Sentence(w.Key, w.Expected)));
    }

    /// <summary>
    /// Each setting that is given, its text and (when that is wrong) what was expected. A string is checked even when it is not given:
    /// its default may come from the machine, or be empty because the setting is required.
    /// </summary>
    private IEnumerable<(string Key, string Text, string? Expected)> Read()
    {
        var defaults = new T();
        foreach (var property in typeof(T).GetProperties().Where(p => p.CanWrite))
        {
            var rule = property.GetCustomAttribute<SettingRuleAttribute>() ?? throw new InvalidOperationException($"{typeof(T).Name}.{property.Name} has no rule.");
            var key = KeyOf(property);
            if (property.PropertyType.IsGenericType && property.PropertyType.GetGenericTypeDefinition() == typeof(IReadOnlyList<>))
            {
                // The binder would read one text without __0 as an empty list.
                var name = Display(key);
                if (TextOf(key) is { } single) yield return (key, single, $"{rule.Items} as {name}__0, {name}__1, …");
                foreach (var child in configuration.GetSection(key).GetChildren())
                {
                    if (TextOf(child.Path) is { } item) yield return Judge(rule, child.Path, item);
                }
            }
            else if ((TextOf(key) ?? property.GetValue(defaults) as string) is { } text)
            {
                yield return Judge(rule, key, text);
            }
        }
    }

    private static (string Key, string Text, string? Expected) Judge(SettingRuleAttribute rule, string key, string text) =>
        rule.ExpectedInsteadOf(text) is { } expected ? (key, text, expected) : (key, rule.ToBindable(text), null);

    private string? TextOf(string key) => string.IsNullOrWhiteSpace(configuration[key]) ? null : configuration[key]!.Trim();

    private string KeyOf(PropertyInfo property)
    {
        var name = property.GetCustomAttribute<ConfigurationKeyNameAttribute>()?.Name ?? property.Name;
        return section.Length > 0 ? $"{section}:{name}" : name;
    }

    private string Sentence(string key, string expected)
    {
        var value = configuration[key] ?? string.Join("', '", configuration.GetSection(key).GetChildren().Select(c => c.Value));
        // A connection string holds a password, so its text is never shown.
        var shown = string.IsNullOrEmpty(value) ? "not set" : key.StartsWith("ConnectionStrings", StringComparison.Ordinal) ? "set" : $"'{value}'";
        return $"{Display(key)} is {shown}: expected {expected}.";
    }

    private static string Display(string key) => key.Replace(":", "__", StringComparison.Ordinal);
}
