using System.Text;
using CN2.Network.Resources;
using CN2.Network.Selection;
using FluentValidation;

namespace CN2.Api.Http;

/// <summary>Rules that resources share: names, labels, annotations.</summary>
public static class ResourceRules
{
    public const string NameRule = "must be a DNS-1123 label: at most 63 of a-z, 0-9 and '-', beginning and ending with a letter or digit";

    /// <summary>The rules of every resource: a name, labels and annotations of the right form.</summary>
    public static void AddResourceRules<T>(this AbstractValidator<T> validator) where T : ResourceRequest
    {
        validator.RuleFor(r => r.Others).Custom((others, context) =>
        {
            foreach (var (name, _) in others ?? [])
            {
                if (!ResourceRequest.ReadOnlyMembers.Contains(name)) context.AddPathFailure(name, "is not a known member");
            }
        });
        validator.RuleFor(r => r).Custom((resource, context) =>
        {
            // A name in the path may be one that the product made, which may be longer. What the request may do with it is decided by its store.
            var fault = resource.NameOfPath && resource.MayHaveLongName ? NameSyntax.FaultOfDnsSubdomain(resource.Name) : NameSyntax.FaultOfDnsLabel(resource.Name);
            if (fault is not null) context.AddPathFailure("name", fault);
        });
        validator.RuleFor(r => r.Labels).Custom((labels, context) =>
        {
            foreach (var (key, value) in labels ?? [])
            {
                if (NameSyntax.FaultOfLabelKey(key) is { } keyFault) context.AddPathFailure($"labels[{key}]", keyFault);
                if (NameSyntax.FaultOfLabelValue(value) is { } valueFault) context.AddPathFailure($"labels[{key}]", valueFault);
            }
        });
        validator.RuleFor(r => r.Annotations).Custom((annotations, context) =>
        {
            var bytes = 0;
            var isLimited = !context.InstanceToValidate.IsAsStored("annotations");
            foreach (var (key, value) in annotations ?? [])
            {
                if (NameSyntax.FaultOfLabelKey(key) is { } keyFault) context.AddPathFailure($"annotations[{key}]", keyFault);
                var size = Encoding.UTF8.GetByteCount(value);
                if (isLimited && size > Limits.AnnotationValue) context.AddPathFailure($"annotations[{key}]", $"must have at most {Limits.AnnotationValue / 1024} KiB");
                bytes += Encoding.UTF8.GetByteCount(key) + size;
            }

            if (isLimited && bytes > Limits.AnnotationsTogether) context.AddPathFailure("annotations", $"must have at most {Limits.AnnotationsTogether / 1024} KiB in all");
        });
    }

    /// <summary>Adds a fault at a path such as <c>labels[app]</c>; inside a nested validator the path is relative to its member.</summary>
    public static void AddPathFailure<T>(this ValidationContext<T> context, string path, string message) =>
        context.AddFailure(new FluentValidation.Results.ValidationFailure(context.PropertyChain.BuildPropertyPath(path), message));

    /// <summary>DNS-1123 label.</summary>
    public static bool IsName(string? name) => NameSyntax.FaultOfDnsLabel(name) is null;

    /// <summary>DNS-1123 subdomain of at most 253 characters: names the product makes itself.</summary>
    public static bool IsLongName(string? name) => NameSyntax.FaultOfDnsSubdomain(name) is null;
}
