using System.ComponentModel;
using System.Globalization;

namespace CN2.Api.Options;

/// <summary>Lets the configuration binder read a type that can parse itself; the binder asks type converters, and some types of the BCL have none.</summary>
internal sealed class ParsableConverter<T> : TypeConverter where T : IParsable<T>
{
    /// <summary>For this process; repeatable.</summary>
    public static void Register()
    {
        if (TypeDescriptor.GetConverter(typeof(T)) is not ParsableConverter<T>) TypeDescriptor.AddAttributes(typeof(T), new TypeConverterAttribute(typeof(ParsableConverter<T>)));
    }

    public override bool CanConvertFrom(ITypeDescriptorContext? context, Type sourceType) => sourceType == typeof(string);

    public override object? ConvertFrom(ITypeDescriptorContext? context, CultureInfo? culture, object value) => T.Parse((string)value, culture);
}
