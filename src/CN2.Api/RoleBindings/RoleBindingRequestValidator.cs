using CN2.Api.Access;
using CN2.Api.Http;
using FluentValidation;

namespace CN2.Api.RoleBindings;

public sealed class RoleBindingRequestValidator : AbstractValidator<RoleBindingRequest>
{
    private const string All = "*";

    public RoleBindingRequestValidator()
    {
        this.AddResourceRules();
        RuleFor(r => r).Custom((binding, context) =>
        {
            if (!IsRole(binding.Role, out var role)) context.AddPathFailure("role", "must be viewer, editor, operator or admin");
            CheckNamespaces(binding.Namespaces, role, context);
            CheckSubjects(binding.Subjects ?? [], context);
        });
    }

    private static void CheckNamespaces(List<string>? namespaces, Role role, ValidationContext<RoleBindingRequest> context)
    {
        if (namespaces is null or [])
        {
            context.AddPathFailure("namespaces", "is required: names of namespaces, or [\"*\"] for all");
            return;
        }

        if (namespaces is [All]) return;
        if (role >= Role.Operator) context.AddPathFailure("namespaces", "must be [\"*\"]: operator and admin are roles of all namespaces");
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < namespaces.Count; i++)
        {
            var ns = namespaces[i];
            if (ns == All) context.AddPathFailure($"namespaces[{i}]", "stands for all namespaces, so it must be the only one");
            else if (!ResourceRules.IsName(ns)) context.AddPathFailure($"namespaces[{i}]", ResourceRules.NameRule);
            else if (!seen.Add(ns)) context.AddPathFailure($"namespaces[{i}]", $"{ns} is given twice");
        }
    }

    private static void CheckSubjects(List<SubjectBody> subjects, ValidationContext<RoleBindingRequest> context)
    {
        var seen = new HashSet<SubjectBody>();
        for (var i = 0; i < subjects.Count; i++)
        {
            var subject = subjects[i];
            if (subject.Kind is null) context.AddPathFailure($"subjects[{i}].kind", "is required: User, Group or Token");
            if (string.IsNullOrWhiteSpace(subject.Name)) context.AddPathFailure($"subjects[{i}].name", "is required");
            else if (subject.Name.Any(char.IsControl)) context.AddPathFailure($"subjects[{i}].name", "must have no control characters");
            if (!seen.Add(subject)) context.AddPathFailure($"subjects[{i}]", "is given twice");
        }
    }

    /// <summary>Exactly as the contract writes them.</summary>
    private static bool IsRole(string? text, out Role role)
    {
        (var known, role) = text switch
        {
            "viewer" => (true, Role.Viewer),
            "editor" => (true, Role.Editor),
            "operator" => (true, Role.Operator),
            "admin" => (true, Role.Admin),
            _ => (false, Role.Viewer),
        };
        return known;
    }
}
